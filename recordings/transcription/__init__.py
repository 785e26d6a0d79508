"""From a stored recording to what was said."""
