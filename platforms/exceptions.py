"""What can go wrong with a platform; each class answers "try again, or give up?".

The text of an exception is for staff and logs. It may quote the provider, cut short and without credentials;
what a user is told is decided at the API's edge.
"""


class PlatformError(Exception):
    """Base of everything below; never raised itself."""

    def __init__(self, message: str, platform: str = "") -> None:
        super().__init__(message)
        self.platform = platform


class PlatformUnavailable(PlatformError):
    """The provider is down, slow, rate-limiting or cut off by the breaker: try again after `retry_after` seconds."""

    def __init__(self, message: str, platform: str = "", retry_after: float = 5.0) -> None:
        super().__init__(message, platform)
        self.retry_after = retry_after


class PlatformRejected(PlatformError):
    """The provider understood and said no: trying the same again will not help."""

    def __init__(self, message: str, platform: str = "", status: int | None = None) -> None:
        super().__init__(message, platform)
        self.status = status


class PlatformNotConfigured(PlatformError):
    """A platform is missing or its credentials are; the message names the setting or the variable."""


class WebhookRejected(PlatformError):
    """A webhook that is not to be believed: `status` 400 when it is unsigned, 401 when the signature is wrong.

    Who sent it is told the message; `advice` is for staff.
    """

    def __init__(self, message: str, platform: str = "", status: int = 401, advice: str = "") -> None:
        super().__init__(message, platform)
        self.status = status
        self.advice = advice


class UnsupportedCapability(PlatformError):
    """The platform cannot do what was asked; `client.supports_...` tells beforehand."""
