"""Daily's side of the wire."""
