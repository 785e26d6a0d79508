"""The buckets in which platforms leave recordings, and what an object in one of them says."""

import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from boto3.session import Session
from botocore.config import Config
from django.conf import settings

from platforms.abilities import RecordingBucket
from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import (
    create_platform_client,
    get_available_platforms,
    get_platform_client_class,
    get_platform_config,
    why_unavailable,
)
from platforms.types import RecordingRef, RecordingStore

logger = logging.getLogger(__name__)

NETWORK = Config(connect_timeout=5, read_timeout=40, retries={"mode": "standard", "max_attempts": 3})
CONFIGS = {"s3": NETWORK.merge(Config(signature_version="s3v4")), "sqs": NETWORK}


def clients() -> list[VideoPlatformClient]:
    """A client of every platform; one that lacks credentials for its API can still say which bucket is its."""
    return [client for name in get_available_platforms() if (client := client_of(name))]


def client_of(name: str) -> VideoPlatformClient | None:
    try:
        if why_unavailable(name) is None:
            return create_platform_client(name)
        return get_platform_client_class(name)(get_platform_config(name))
    except PlatformNotConfigured as error:
        logger.error("platform_not_loaded platform=%s error=%s", name, error)  # noqa: TRY400  (its text says it all)
        return None


def store_of(client: VideoPlatformClient | None) -> RecordingStore | None:
    """The bucket in which the platform leaves recordings; None where there is none."""
    return client.recording_store() if isinstance(client, RecordingBucket) else None


def stores(among: Sequence[VideoPlatformClient]) -> Iterator[tuple[RecordingBucket, RecordingStore]]:
    for client in among:
        if isinstance(client, RecordingBucket) and (store := client.recording_store()):
            yield client, store


def recording_at(bucket: str, key: str, among: Sequence[VideoPlatformClient]) -> RecordingRef | None:
    """The recording that an object is; None when no platform leaves recordings there or under such a name."""
    for client, store in stores(among):
        if store.bucket == bucket and key.startswith(store.prefix) and (found := client.recording_at(key)):
            return found
    return None


def aws_client(service: str, store: RecordingStore | None) -> Any:
    """A client of S3 or SQS with the store's key, or with the machine's own credentials where it has none.

    AWS_ENDPOINT_URL is read by boto3 itself.
    """
    return _made_client(service, store or RecordingStore(bucket=""), settings.AWS_S3_REGION)


@lru_cache(maxsize=32)  # to make one takes longer than most of what is done with it; threads may share it
def _made_client(service: str, store: RecordingStore, region: str) -> Any:
    session = Session(
        aws_access_key_id=store.access_key_id or None,
        aws_secret_access_key=store.access_key_secret or None,
        region_name=store.region or region,
    )
    return session.client(service, endpoint_url=store.endpoint_url or None, config=CONFIGS[service])  # type: ignore[call-overload]
