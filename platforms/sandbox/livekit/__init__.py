"""LiveKit's side of the wire."""
