"""Where files are kept, and how they are read and served."""
