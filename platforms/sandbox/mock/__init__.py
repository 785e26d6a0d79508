"""The mock's side of the wire."""
