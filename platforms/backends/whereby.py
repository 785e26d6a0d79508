from platforms.base import VideoPlatformClient


class WherebyClient(VideoPlatformClient):
    label = "Whereby"
