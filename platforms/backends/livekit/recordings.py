"""Recordings by LiveKit's egress: a room as one file, put into a bucket of one's own.

https://docs.livekit.io/transport/media/ingress-egress/egress/: the file's name is given with the request, so that the
object in the bucket, the webhook and the list tell of the same recording.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from platforms.abilities import RecordingBucket, RecordingListing, RecordingStart, Webhooks
from platforms.backends.livekit.account import Fields, LiveKitAccount, field_of, unless_gone
from platforms.backends.livekit.events import (
    COMPLETE,
    KEY_LIMIT,
    duration_of,
    file_of,
    find_name,
    instance_of,
    is_bot,
)
from platforms.exceptions import PlatformRejected, UnsupportedCapability
from platforms.payloads import mapping, moment, number, objects, text
from platforms.types import RecordingRef, RecordingStore, RoomSettings

PAGES = 50  # of a list, more than there are
ACTIVE = frozenset({"EGRESS_STARTING", "EGRESS_ACTIVE", "", "0", "1"})  # the first of the words may be left out


class LiveKitRecordings(LiveKitAccount, RecordingListing, RecordingStart, RecordingBucket, Webhooks):
    names_recordings_in_bucket = True
    remembers_bucket_recordings = False  # for a day or so, and the list alone

    def needs_recording_start(self, room: RoomSettings) -> bool:
        return room.recording_type == "cloud" and room.recording_trigger.startswith("automatic")

    def start_recording(
        self, room_name: str, kind: str, instance_id: str, with_video: bool = True
    ) -> Mapping[str, str] | None:
        """https://docs.livekit.io/transport/media/ingress-egress/egress/composite-recording/

        Nothing keeps a room from being recorded twice, so that of several that were started at once the first stays.
        """
        store = self.recording_store()
        if kind != "cloud":
            raise UnsupportedCapability(f"{self.label} records into one file, not into tracks.", self.name)
        if store is None:
            raise UnsupportedCapability(
                f"{self.label} records only into a bucket of one's own: set AWS_LIVEKIT_S3_BUCKET.", self.name
            )
        if not self._people(room_name):
            raise PlatformRejected(f"Nobody is in the room at {self.label}.", self.name, 404)
        if self._active(room_name):
            return None
        started = self._start(store, room_name, instance_id, with_video)
        first, *others = sorted({_id_of(one) for one in (started, *self._active(room_name))})
        for one in others:
            with unless_gone():
                self._ask("Egress/StopEgress", {"egress_id": one}, roomRecord=True)
        return {"recordingId": first, "status": text(started, "status")} if first == _id_of(started) else None

    def _start(self, store: RecordingStore, room_name: str, instance_id: str, with_video: bool) -> dict[str, Any]:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{instance_id.lower()}.mp4"
        file = {
            "file_type": "MP4",
            "filepath": f"{store.prefix}{room_name}/{name}",
            "disable_manifest": True,
            "s3": _upload_of(store),
        }
        body = {"room_name": room_name, "layout": "grid", "audio_only": not with_video, "file_outputs": [file]}
        started = self._ask("Egress/StartRoomCompositeEgress", body, repeatable=False, roomRecord=True)
        if not _id_of(started):
            raise self._odd("began a recording without saying its id")
        return started

    def _active(self, room_name: str) -> list[dict[str, Any]]:
        """What is being recorded in the room of that which was asked for here."""
        found = self._egresses(room_name=room_name, active=True)
        return [one for one in found if instance_of(one) and text(one, "status") in ACTIVE]

    # What is known of recordings

    def list_recordings(self, room_name: str = "") -> Iterator[RecordingRef]:
        """Those that the server still knows, which it forgets a day after they ended."""
        found = self._egresses(**({"room_name": room_name} if room_name else {}))
        ready = [one for one in found if _is_ready(one)]
        ready.sort(key=lambda one: number(field_of(one, "started_at")) or 0.0, reverse=True)
        yield from map(self._recording_ref, ready)

    def get_recording(self, recording_id: str) -> RecordingRef:
        return self._recording_ref(self._egress(recording_id))

    def _egress(self, recording_id: str) -> dict[str, Any]:
        found = [one for one in self._egresses(egress_id=recording_id) if _id_of(one) == recording_id]
        if not found:
            raise PlatformRejected(f"{self.label} knows no such recording.", self.name, 404)
        return found[0]

    def _egresses(self, **wanted: Any) -> list[dict[str, Any]]:
        """https://docs.livekit.io/reference/other/egress/api/, in pages where there are many."""
        found: list[dict[str, Any]] = []
        for _ in range(PAGES):
            answer: dict[str, Any] = {}
            with unless_gone():
                answer = self._ask("Egress/ListEgress", wanted, roomRecord=True)
            found += objects(answer.get("items"), "") or []
            following = text(mapping(field_of(answer, "next_page_token")), "token", limit=KEY_LIMIT)
            if not following or following == mapping(wanted.get("page_token")).get("token"):
                break
            wanted = {**wanted, "page_token": {"token": following}}
        return found

    def _recording_ref(self, egress: Fields) -> RecordingRef:
        file, store = file_of(egress), self.recording_store()
        key = text(file, "filename", limit=KEY_LIMIT)
        named = find_name(key)
        return RecordingRef(
            platform=self.name,
            recording_id=_id_of(egress),
            room_name=text({"name": field_of(egress, "room_name")}, "name"),
            kind="file",
            started_at=moment(named["start"]) if named else None,
            duration=duration_of(file),
            bucket=store.bucket if store and key else "",
            key=key if store else "",
        )

    # The bucket

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

    def recording_objects(self, recording_id: str) -> Sequence[str]:
        try:
            egress = self._egress(recording_id)
        except PlatformRejected as error:
            if error.status != 404:
                raise
            return []
        return [key for key in [text(file_of(egress), "filename", limit=KEY_LIMIT)] if key]

    def recording_at(self, key: str) -> RecordingRef | None:
        store, named = self.recording_store(), find_name(key)
        started_at = moment(named["start"]) if named else None
        if not (store and named and started_at):
            return None
        return RecordingRef(
            platform=self.name,
            room_name=named["room"],
            kind="file",
            started_at=started_at,
            bucket=store.bucket,
            key=key,
        )

    def _people(self, room_name: str) -> list[dict[str, Any]]:
        """Who is in a room, without those who only record; nobody where there is no such room."""
        answer: dict[str, Any] = {}
        with unless_gone():
            answer = self._ask("RoomService/ListParticipants", {"room": room_name}, roomAdmin=True, room=room_name)
        everybody = objects(answer.get("participants"), "") or []
        return [one for one in everybody if text(one, "state") not in {"DISCONNECTED", "3"} and not is_bot(one)]


def _upload_of(store: RecordingStore) -> dict[str, Any]:
    """Where egress puts the file. Without a key it uses that of its own machine."""
    key = {"access_key": store.access_key_id, "secret": store.access_key_secret} if store.access_key_id else {}
    elsewhere = {"endpoint": store.endpoint_url, "force_path_style": True} if store.endpoint_url else {}
    return {"bucket": store.bucket, "region": store.region, **key, **elsewhere}


def _id_of(egress: Fields) -> str:
    return text({"id": field_of(egress, "egress_id")}, "id")


def _is_ready(egress: Fields) -> bool:
    return text(egress, "status") in COMPLETE and bool(instance_of(egress) and file_of(egress))
