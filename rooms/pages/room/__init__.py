"""A room's own page, for whoever may change the room: a module for each section of it that is about the room itself."""
