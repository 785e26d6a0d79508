"""The files of a known recording are brought here."""
