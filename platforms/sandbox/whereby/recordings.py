"""Whereby's cloud recordings: into the bucket of the meeting or, without one, into Whereby's own storage.

https://docs.whereby.com/meeting-content-and-quality/recording/cloud-recording
"""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.storage import Storage
from platforms.sandbox.whereby import events
from platforms.sandbox.whereby.events import iso
from platforms.sandbox.whereby.lists import in_order, invalid, listed, refused
from platforms.sandbox.whereby.state import WherebyState
from platforms.sandbox.wire.api import json_body, number_asked
from platforms.sandbox.wire.validation import an_array, problem, text
from platforms.sandbox.world.model import File, Recording, SandboxError

PAGE = 50
LONGEST_LINK_SECONDS = 43_200


def keep(storage: Storage | None, recording: Recording, files: Sequence[File]) -> None:
    """Raises SandboxError when the bucket cannot be written to, of which nobody is told."""
    if not files:
        raise SandboxError("There was nothing to record.")
    [file] = files
    destination = (recording.room.provider["recording"] or {}).get("destination") or {"provider": "whereby"}
    if destination["provider"] == "whereby":
        recording.notes["file"] = file
        return
    if storage is None:
        raise SandboxError("There is no storage.")
    bucket, _, folder = destination.get("bucket", "").partition("/")
    key = f"{folder.rstrip('/')}/{filename(recording)}".lstrip("/")
    storage.put(bucket, key, file.path, destination.get("accessKeyId", ""), destination.get("accessKeySecret", ""))
    recording.notes["bucket"] = bucket


def filename(recording: Recording) -> str:
    return f"{recording.room.name}-{recording.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}.mp4"


def finished(recording: Recording) -> dict[str, Any]:
    at = recording.ready_at or recording.started_at
    return events.recording_finished(filename(recording), recording.id, f"/{recording.room.name}", at)


def add_routes(api: Blueprint, whereby: WherebyState) -> None:
    recordings = Recordings(whereby)
    api.add_url_rule("/recordings", "list_recordings", recordings.index, methods=["GET"])
    api.add_url_rule("/recordings/bulk-delete", "delete_recordings", recordings.delete_several, methods=["POST"])
    api.add_url_rule("/recordings/<recording_id>", "get_recording", recordings.get, methods=["GET"])
    api.add_url_rule("/recordings/<recording_id>", "delete_recording", recordings.delete, methods=["DELETE"])
    api.add_url_rule("/recordings/<recording_id>/access-link", "access_link", recordings.link, methods=["GET"])


class Recordings:
    """Those in Whereby's own storage. Whether those in other buckets are listed is not documented."""

    def __init__(self, whereby: WherebyState) -> None:
        self.world = whereby.context.world
        self.links = whereby.context.links

    def index(self) -> Response:
        name = request.args.get("roomName")
        found = [one for one in self._all() if name in {None, f"/{one.room.name}"}]
        shown = in_order([_object(one) for one in found], ("startDate", "sizeInMegaBytes"))
        return listed(shown, lambda item: item, PAGE)

    def get(self, recording_id: str) -> Response:
        return jsonify(_object(self._find(recording_id)))

    def link(self, recording_id: str) -> Response:
        """`expires` is in milliseconds here."""
        recording = self._find(recording_id)
        seconds = number_asked("validForSeconds", 3600, 1, LONGEST_LINK_SECONDS, invalid)
        url, expires = self.links.make("whereby", recording.id, seconds)
        return jsonify(accessLink=url, expires=expires * 1000)

    def delete(self, recording_id: str) -> Response:
        self._delete([recording_id])
        return Response(status=204)

    def delete_several(self) -> Response:
        wanted = json_body(invalid)
        if wrong := problem(wanted, {"recordingIds": an_array(text())}):
            raise invalid(wrong)
        self._delete(wanted.get("recordingIds", []))
        return Response(status=204)

    def _delete(self, ids: list[str]) -> None:
        for recording in self._all():
            if recording.id in ids:
                del recording.notes["file"]

    def _all(self) -> list[Recording]:
        recordings = self.world.recordings_of("whereby")
        return [one for one in recordings if one.state == "ready" and "file" in one.notes]

    def _find(self, recording_id: str) -> Recording:
        found = next((one for one in self._all() if one.id == recording_id), None)
        if found is None:
            raise refused(404, "Recording not found")
        return found


def _object(recording: Recording) -> dict[str, Any]:
    file: File = recording.notes["file"]
    call = recording.call
    return {
        "recordingId": recording.id,
        "roomSessionId": call.id if call else None,
        "filename": filename(recording),
        "startDate": iso(recording.started_at),
        "endDate": iso(recording.stopped_at or recording.started_at),
        "sizeInMegaBytes": round(file.size / 1e6, 3),
    }
