from platforms.backends.livekit.client import LiveKitClient

__all__ = ["LiveKitClient"]
