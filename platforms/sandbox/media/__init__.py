"""What is heard and recorded, and who transcribes it."""
