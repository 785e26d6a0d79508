"""Recordings at Whereby: in its own storage, or in a bucket of one's own.

https://docs.whereby.com/meeting-content-and-quality/recording/cloud-recording
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from platforms.abilities import RecordingBucket, RecordingDeletion, RecordingLink, RecordingListing, Webhooks
from platforms.backends.whereby.account import KEY_LIMIT_BYTES, WherebyAccount, web_address, with_slash
from platforms.events import RecordingReady
from platforms.exceptions import PlatformRejected
from platforms.http.client import path_to, unless_gone
from platforms.payloads import mapping, moment, text
from platforms.types import RecordingRef, RecordingStore

LINK_SECONDS = 3600
# <room name without its slash>-<start>.<format>. The room's name may itself hold a time, so the last one counts.
RECORDING_NAME = re.compile(
    r"(?P<room>[^/\s\x00-\x1f]{1,254})-(?P<start>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\.(?:mp4|mkv)",
    re.ASCII | re.IGNORECASE,
)


class WherebyRecordings(WherebyAccount, RecordingListing, RecordingLink, RecordingDeletion, RecordingBucket, Webhooks):
    names_recordings_in_bucket = True
    remembers_bucket_recordings = False  # as far as is documented

    def recording_store(self) -> RecordingStore | None:
        """The bucket of the option, which may name a folder in it: `bucket/folder`."""
        bucket, _, folder = self.config.s3_bucket.partition("/")
        if not bucket:
            return None
        return RecordingStore(
            bucket=bucket,
            prefix=f"{folder.strip('/')}/" if folder.strip("/") else "",
            region=self.config.s3_region,
            endpoint_url=self.config.s3_endpoint_url,
            access_key_id=self.config.aws_access_key_id,
            access_key_secret=self.config.aws_access_key_secret,
        )

    def recording_at(self, key: str) -> RecordingRef | None:
        """By the name that Whereby gives to files, in whatever folder; transcripts have other endings."""
        store = self.recording_store()
        named = RECORDING_NAME.fullmatch(key.rpartition("/")[2])
        started_at = moment(named["start"].upper()) if named else None
        if not (store and named and started_at):
            return None
        return RecordingRef(
            platform=self.name,
            room_name=with_slash(named["room"]),
            kind="file",
            started_at=started_at,
            bucket=store.bucket,
            key=key,
        )

    def list_recordings(self, room_name: str = "") -> Iterator[RecordingRef]:
        """https://docs.whereby.com/reference/whereby-rest-api-reference/recordings, of those in Whereby's own storage.

        Whether those in buckets are among them is not documented. Which room one is of stands in its file's name.
        """
        params = {"sortBy": "startDate:desc", **({"roomName": with_slash(room_name)} if room_name else {})}
        for item in self._list("/recordings", params):
            if text(item, "recordingId"):
                yield self._recording_ref(item)

    def get_recording(self, recording_id: str) -> RecordingRef:
        return self._recording_ref(mapping(self.api.get(path_to("recordings", recording_id))))

    def _recording_ref(self, item: Mapping[str, Any]) -> RecordingRef:
        named = RECORDING_NAME.fullmatch(text(item, "filename", limit=KEY_LIMIT_BYTES))
        started_at, ended_at = moment(item.get("startDate")), moment(item.get("endDate"))
        return RecordingRef(
            platform=self.name,
            recording_id=text(item, "recordingId"),
            room_name=with_slash(named["room"]) if named else "",
            kind="file",
            started_at=moment(named["start"].upper()) if named else started_at,
            duration=(ended_at - started_at).total_seconds() if started_at and ended_at else None,
        )

    def recording_of_event(self, event: RecordingReady) -> RecordingRef:
        """The event has the file's name without the folder; with it, it is the object that the bucket tells of."""
        ref, store = super().recording_of_event(event), self.recording_store()
        if store and ref.key and not ref.key.startswith(store.prefix):
            ref = replace(ref, key=store.prefix + ref.key)
        found = self.recording_at(event.s3_key)
        return replace(ref, started_at=ref.started_at or (found.started_at if found else None))

    def recording_link(self, recording_id: str) -> str:
        """Of one in Whereby's own storage: https://docs.whereby.com/reference/whereby-rest-api-reference/recordings"""
        path = f"{path_to('recordings', recording_id)}/access-link"
        link = web_address(mapping(self.api.get(path, {"validForSeconds": LINK_SECONDS})), "accessLink")
        if not link:
            raise PlatformRejected(f"{self.label} gave no link to the recording.", self.name)
        return link

    def delete_recording(self, recording_id: str) -> bool:
        """From Whereby's own storage; https://docs.whereby.com/reference/whereby-rest-api-reference/recordings"""
        with unless_gone():
            self.api.delete(path_to("recordings", recording_id))
        return True
