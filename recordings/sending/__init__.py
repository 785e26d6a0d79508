"""Sending a transcript that is ready to the people who asked for it. Who may read it is not changed by that."""
