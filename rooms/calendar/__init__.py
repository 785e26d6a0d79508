"""What a room's calendar holds: fetched from an ICS address, read in a process that can be ended, kept as events."""
