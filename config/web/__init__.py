"""Between the web server and Django: for what clients can hold open the event loop waits, and no thread.

The server (Granian) parses HTTP and waits for headers. `front` reads the body of a request before a thread is taken for
it, and sends what Django answered when the thread is free again, both with deadlines. Webhooks have their own threads.
"""
