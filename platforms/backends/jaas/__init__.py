from platforms.backends.jaas.client import JaasClient

__all__ = ["JaasClient"]
