"""What providers send: taken in, stored, and kept coming."""
