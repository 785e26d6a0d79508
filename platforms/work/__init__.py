"""Jobs: what must happen is in the database, and a queue message only asks to look."""
