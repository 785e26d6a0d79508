"""Pages: the meeting and the controls."""
