"""As the tests of any adapter have it."""

from platforms.testing.stub_provider import Answer, Handler, Request, StubProvider

__all__ = ["Answer", "Handler", "Request", "StubProvider"]
