"""Where a recording's files are, and what they are called in our storage."""

from django.conf import settings
from django.core.files.storage import storages
from storages.backends.s3 import S3Storage

from platforms.abilities import RecordingLink
from platforms.base import VideoPlatformClient
from platforms.types import RecordingStore
from recordings.fetching.download import NOT_THERE, FetchFailed, ObjectSource, UrlSource
from recordings.models import Recording, Track
from recordings.storage import buckets


def source_of(recording: Recording) -> UrlSource:
    if recording.bucket and recording.key:
        return object_of(recording, recording.key)
    client = client_of(recording)

    def link() -> str:
        if isinstance(client, RecordingLink) and recording.provider_recording_id:
            return client.recording_link(recording.provider_recording_id)
        if not recording.source_url:
            raise FetchFailed("Nobody said where its file is.", can_retry=True, status=NOT_THERE)
        return recording.source_url

    return UrlSource(link, recording.source_url)


def object_of(recording: Recording, key: str) -> ObjectSource:
    """Where no report named a bucket, it is the platform's."""
    client = client_of(recording)
    store = buckets.store_of(client)
    if not recording.bucket and store is None:
        raise FetchFailed("Nobody said in which bucket it is, and none is configured.", True, NOT_THERE)
    if store is None or recording.bucket not in ("", store.bucket):
        store = RecordingStore(recording.bucket)  # with the machine's own credentials
    return ObjectSource(store, store.bucket, key)


def client_of(recording: Recording) -> VideoPlatformClient | None:
    return buckets.client_of(recording.platform) if recording.platform else None


def name_of(recording: Recording, track: Track | None = None) -> str:
    """In the storage. It is always the same, so that what is stored twice is one file."""
    return f"{recording.pk}/track-{track.pk}" if track else f"{recording.pk}/recording"


def names_of(recording: Recording) -> list[str]:
    return [name_of(recording), *(name_of(recording, track) for track in recording.tracks.all())]


def name_in_own_bucket(bucket: str, key: str) -> str:
    """What our storage calls an object that a provider left in its bucket; "" when it is elsewhere, or to be copied."""
    storage = storages["recordings"]
    if not (isinstance(storage, S3Storage) and key and storage.bucket_name == bucket):
        return ""
    prefix = f"{storage.location.strip('/')}/" if storage.location else ""
    return "" if settings.RECORDINGS_COPY_OWN_BUCKET or not key.startswith(prefix) else key.removeprefix(prefix)
