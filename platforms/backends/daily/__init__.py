from platforms.backends.daily.client import DailyClient

__all__ = ["DailyClient"]
