from platforms.backends.whereby.client import WherebyClient

__all__ = ["WherebyClient"]
