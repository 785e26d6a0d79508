"""What is in a file, and sound made of several."""
