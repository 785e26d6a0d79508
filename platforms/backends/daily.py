from platforms.base import VideoPlatformClient


class DailyClient(VideoPlatformClient):
    label = "Daily"
