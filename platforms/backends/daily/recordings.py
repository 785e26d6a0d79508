"""Recordings at Daily: by link where they are one file, in a bucket of one's own where they are tracks."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from platforms import events
from platforms.abilities import (
    RecordingBucket,
    RecordingDeletion,
    RecordingLink,
    RecordingListing,
    RecordingStart,
    Webhooks,
)
from platforms.backends.daily.account import PAGE, URL_LIMIT, DailyAccount, Fields, unless_gone
from platforms.backends.daily.events import RESERVED_INSTANCE, s3_key_of, tracks_of
from platforms.exceptions import PlatformRejected, UnsupportedCapability
from platforms.http.client import path_to
from platforms.pauses import shortened
from platforms.payloads import mapping, moment, number, text
from platforms.types import RecordingRef, RecordingStore, RoomSettings, VideoPlatformConfig

RECORDING_LIMIT_SECONDS = 8 * 3600  # without it a recording ends after three hours
LISTING_PAUSE_SECONDS = 0.6  # between pages; 50 calls are let through in 30 s


class DailyRecordings(
    DailyAccount, RecordingListing, RecordingLink, RecordingDeletion, RecordingStart, RecordingBucket, Webhooks
):
    def __init__(self, config: VideoPlatformConfig) -> None:
        super().__init__(config)
        self._listing = threading.Lock()
        self._next_listing = 0.0  # by the monotonic clock

    def _recording_mode(self, room: RoomSettings) -> str:
        """Daily's word for how a room is recorded; "" when it is not. Raw tracks need a bucket of one's own."""
        if room.recording_type == "cloud":
            return self.recording_kind()
        return "local" if room.recording_type == "local" else ""

    def recording_kind(self) -> str:
        return "raw-tracks" if self._wants_tracks() and self._bucket() else "cloud"

    def recording_kinds(self) -> Collection[str]:
        return {"cloud", "raw-tracks"} if self._bucket() else {"cloud"}

    def needs_recording_start(self, room: RoomSettings) -> bool:
        """A person's token starts a recording into one file; raw tracks are started by a call only."""
        return room.recording_trigger.startswith("automatic") and self._recording_mode(room) == "raw-tracks"

    def start_recording(
        self, room_name: str, kind: str, instance_id: str, with_video: bool = True
    ) -> Mapping[str, str] | None:
        """https://docs.daily.co/reference/rest-api/rooms/recordings/start; about one a second is let through.

        What it answers is not documented: the recording's id is learnt from the event that it has started.
        """
        if instance_id.lower() == RESERVED_INSTANCE:
            raise UnsupportedCapability(f"{self.label} keeps this instance id for itself; choose another.", self.name)
        if kind == "raw-tracks" and not self._bucket():
            raise UnsupportedCapability(f"{self.label} records raw tracks only into a bucket of one's own.", self.name)
        body: dict[str, Any] = {"type": kind, "instanceId": instance_id, "maxDuration": RECORDING_LIMIT_SECONDS}
        if kind == "raw-tracks" and not with_video:
            body["layout"] = {"preset": "raw-tracks-audio-only"}
        try:
            # A second call for the same instance changes nothing.
            answer = mapping(self.api.post(f"{path_to('rooms', room_name)}/recordings/start", body, repeatable=True))
        except PlatformRejected as error:
            if "has an active stream" not in str(error).lower():
                raise
            return None
        found = {"status": text(answer, "status"), "recordingId": text(answer, "recordingId", "recording_id", "id")}
        return {name: value for name, value in found.items() if value}

    def list_recordings(self, room_name: str = "") -> Iterator[RecordingRef]:
        """https://docs.daily.co/reference/rest-api/recordings/list-recordings; some two calls a second are let through.

        There is no filter by time, and pages are told apart by ids.
        """
        params: dict[str, Any] = {"limit": PAGE, **({"room_name": room_name} if room_name else {})}
        while True:
            self._wait_for_turn()
            page = self._items(self.api.get("/recordings", params))
            yield from (self._recording_ref(item) for item in page if _is_finished(item))
            last = text(page[-1], "id") if page else ""
            if len(page) < PAGE or last in {"", params.get("starting_after")}:
                return
            params["starting_after"] = last

    def _wait_for_turn(self) -> None:
        """Keep two listings apart, also those of two threads."""
        with self._listing:
            time.sleep(max(0.0, self._next_listing - time.monotonic()))
            self._next_listing = time.monotonic() + shortened(LISTING_PAUSE_SECONDS)

    def get_recording(self, recording_id: str) -> RecordingRef:
        """https://docs.daily.co/reference/rest-api/recordings/get-recording"""
        return self._recording_ref(mapping(self.api.get(path_to("recordings", recording_id))))

    def recording_link(self, recording_id: str) -> str:
        """https://docs.daily.co/reference/rest-api/recordings/get-recording-link

        For recordings of one file; it lasts an hour. What stands in the link's place when there is none is a sentence.
        """
        answer = mapping(self.api.get(f"{path_to('recordings', recording_id)}/access-link"))
        link = text(answer, "download_link", limit=URL_LIMIT)
        if not link.startswith(("https://", "http://")):
            said = self.api.safe_text(link.encode())
            raise PlatformRejected(f"{self.label} gave no link to the recording: {said}", self.name)
        return link

    def delete_recording(self, recording_id: str) -> bool:
        """https://docs.daily.co/reference/rest-api/recordings/delete-recording

        Of a recording in a bucket of one's own only Daily's record goes; the files are the bucket owner's.
        """
        with unless_gone():
            self.api.delete(path_to("recordings", recording_id))
        return True

    def recording_store(self) -> RecordingStore | None:
        """The files there are read with the machine's own credentials for AWS, unless the options hold others."""
        if not self._bucket():
            return None
        return RecordingStore(
            bucket=self.config.s3_bucket,
            region=self.config.s3_region,
            endpoint_url=self.config.s3_endpoint_url,
            access_key_id=self.config.aws_access_key_id,
            access_key_secret=self.config.aws_access_key_secret,
        )

    def recording_objects(self, recording_id: str) -> Sequence[str]:
        """https://docs.daily.co/reference/rest-api/recordings/get-recording"""
        if not self._bucket():
            return []
        with unless_gone():
            item = mapping(self.api.get(path_to("recordings", recording_id)))
            return [key for key in (s3_key_of(item), *(track.s3_key for track in tracks_of(item) or ())) if key]
        return []

    def recording_of_event(self, event: events.RecordingReady) -> RecordingRef:
        return self._placed(super().recording_of_event(event), is_tracks=event.recording_type == "raw-tracks")

    def _recording_ref(self, item: Fields) -> RecordingRef:
        # The type is not said. Only raw tracks are listed, and where there is no file at all nobody was heard.
        tracks = tracks_of(item) or (None if s3_key_of(item) else [])
        found = RecordingRef(
            platform=self.name,
            recording_id=text(item, "id"),
            room_name=text(item, "room_name"),
            started_at=moment(item.get("start_ts")),
            duration=number(item.get("duration")),
            key=s3_key_of(item),
            tracks=tracks,
        )
        return self._placed(found, is_tracks=tracks is not None)

    def _placed(self, ref: RecordingRef, is_tracks: bool) -> RecordingRef:
        """Tracks are objects of the bucket. A single file is had by link, wherever Daily keeps it."""
        if not is_tracks:
            return replace(ref, kind="file", bucket="", key="", tracks=None)
        return replace(ref, kind="tracks", bucket=self.config.s3_bucket if ref.key or ref.tracks else "")


def _is_finished(item: Fields) -> bool:
    """The words for states are an open set; what goes on or was broken off is no recording to fetch."""
    return bool(text(item, "id")) and text(item, "status") not in {"in-progress", "canceled"}
