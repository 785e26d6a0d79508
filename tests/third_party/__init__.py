"""Adapters as somebody else would write them, by what the README says and nothing else, and what becomes of them."""
