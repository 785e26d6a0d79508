"""Which requests make an entry in the audit trail, and the middleware that makes them."""
