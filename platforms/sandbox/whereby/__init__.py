"""Whereby's side of the wire."""
