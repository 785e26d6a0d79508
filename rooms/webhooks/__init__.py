"""Telling a room's own receiver what happened: events are kept in the transaction of their cause, signed and sent."""
