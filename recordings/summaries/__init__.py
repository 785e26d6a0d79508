"""Titles, summaries, topics and action items, by a language model: an optional step after transcription."""
