"""Speaking HTTP: to providers (`client`), and to addresses that users or providers give (`safe_http`)."""

from platforms.http.client import Limits, ProviderAPI, path_to, provider_limits, retry_after, unless_gone

__all__ = ["Limits", "ProviderAPI", "path_to", "provider_limits", "retry_after", "unless_gone"]
