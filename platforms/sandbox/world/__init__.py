"""Rooms, people and calls, whichever provider they are of."""
