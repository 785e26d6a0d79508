"""What was said: who may read it, in which formats, and finding it."""
