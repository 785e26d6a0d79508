"""Jitsi as a Service. `key.pem` is no secret: nothing but the sandbox believes what is signed with it."""
