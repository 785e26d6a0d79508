"""What providers' REST APIs and webhooks have in common, and the faults that are injected into them."""
