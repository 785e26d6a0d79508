"""Consent, deletion everywhere, and how long things are kept."""
