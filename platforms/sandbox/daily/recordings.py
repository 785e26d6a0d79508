"""Daily's recordings: https://docs.daily.co/reference/rest-api/recordings"""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.daily import storage
from platforms.sandbox.daily.errors import bad_json, invalid, refused
from platforms.sandbox.daily.events import DEFAULT_INSTANCE
from platforms.sandbox.daily.rooms import live_room
from platforms.sandbox.daily.state import DailyState
from platforms.sandbox.wire.api import json_body, number_asked, page_by_id
from platforms.sandbox.wire.validation import integer, nested, one_of, problem, text
from platforms.sandbox.world.model import AlreadyRecording, NobodyThere, Recording

LINK_SECONDS = 3600
LONGEST_LINK_SECONDS = 43_200
LONGEST_RECORDING_SECONDS = 10_800  # unless said otherwise
KINDS = ("cloud", "cloud-audio-only", "raw-tracks")
PRESETS = ("default", "audio-only", "single-participant", "active-participant", "portrait", "custom")
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
LAYOUT = {"preset": one_of(*PRESETS, "raw-tracks-audio-only"), "session_id": text()}
WHICH = {"type": one_of(*KINDS), "instanceId": text(36, UUID)}
START = {
    **WHICH,
    "layout": nested(LAYOUT),
    **dict.fromkeys(("width", "height"), integer(2, 10_000, step=2)),
    "fps": integer(1, 60),
    "videoBitrate": integer(10, 10_000),
    "audioBitrate": integer(10, 320),
    "minIdleTimeOut": integer(),
    "maxDuration": integer(1),
    "backgroundColor": text(),
}
STATES = {"recording": "in-progress", "processing": "in-progress", "ready": "finished", "failed": "canceled"}


def add_routes(api: Blueprint, daily: DailyState) -> None:
    recordings = Recordings(daily)
    api.add_url_rule("/recordings", "list_recordings", recordings.index, methods=["GET"])
    api.add_url_rule("/recordings/<recording_id>", "get_recording", recordings.get, methods=["GET"])
    api.add_url_rule("/recordings/<recording_id>", "delete_recording", recordings.delete, methods=["DELETE"])
    api.add_url_rule("/recordings/<recording_id>/access-link", "access_link", recordings.link, methods=["GET"])
    api.add_url_rule("/rooms/<name>/recordings/start", "start_recording", recordings.start, methods=["POST"])
    api.add_url_rule("/rooms/<name>/recordings/stop", "stop_recording", recordings.stop, methods=["POST"])
    api.add_url_rule("/rooms/<name>/recordings/update", "update_recording", recordings.update, methods=["POST"])


class Recordings:
    def __init__(self, daily: DailyState) -> None:
        self.context = daily.context
        self.world = daily.context.world

    def index(self) -> Response:
        name = request.args.get("room_name")
        every = self._all()
        found = [one for one in every if name in {None, one.room.name}]
        limit = number_asked("limit", 100, 1, 100, invalid)
        after, before = request.args.get("starting_after"), request.args.get("ending_before")
        page = page_by_id(found, lambda one: one.id, limit, after, before)
        return jsonify(total_count=len(every), data=[_object(one) for one in page])

    def get(self, recording_id: str) -> Response:
        return jsonify(_object(self._find(recording_id)))

    def delete(self, recording_id: str) -> Response:
        """Of a recording in a bucket of one's own, the files stay."""
        self._find(recording_id).notes["deleted"] = True
        return jsonify(deleted=True, id=recording_id)

    def link(self, recording_id: str) -> Response:
        recording, faults = self._find(recording_id), self.context.faults
        seconds = number_asked("valid_for_secs", LINK_SECONDS, 1, LONGEST_LINK_SECONDS, invalid)
        if recording.kind == "raw-tracks" or "file" not in recording.notes:
            raise refused(404, "not-found", "there is no file of this recording")
        if faults.use_up("sentence_links"):
            return jsonify(download_link="API access to this recording is not allowed.", expires=0)
        has_expired = faults.use_up("expired_links")
        url, expires = self.context.links.make("daily", recording_id, -1 if has_expired else seconds)
        return jsonify(download_link=url, expires=expires)

    def start(self, name: str) -> Response:
        room, wanted = live_room(self.world, name), json_body(bad_json)
        if wrong := problem(wanted, START):
            raise invalid(wrong)
        if self.context.faults.use_up("busy_recorders"):
            raise refused(503, "server-error", "there are no recording workers available")
        kind = wanted.get("type", "cloud")
        if kind == "raw-tracks" and "recordings_bucket" not in room.provider["properties"]:
            raise invalid("raw-tracks recordings need a recordings_bucket")
        instance, limit = (
            wanted.get("instanceId", DEFAULT_INSTANCE),
            wanted.get("maxDuration", LONGEST_RECORDING_SECONDS),
        )
        try:
            recording = self.world.start_recording(room, kind, instance_id=instance, limit=limit)
        except NobodyThere as error:
            raise refused(404, "not-found", f"room {name} does not seem to be hosting a call currently") from error
        except AlreadyRecording as error:
            raise invalid(f"room {name} has an active stream") from error
        return jsonify(status="sent", recordingId=recording.id)

    def stop(self, name: str) -> Response:
        self.world.stop_recording(self._active(name))
        return jsonify(status="sent")

    def update(self, name: str) -> Response:
        if self._active(name).kind == "raw-tracks":
            raise invalid("raw-tracks recordings cannot be changed")
        return jsonify(status="sent")

    def _active(self, name: str) -> Recording:
        """Without the type, one into tracks is not found."""
        room, wanted = live_room(self.world, name), json_body(bad_json)
        if wrong := problem(wanted, START):
            raise invalid(wrong)
        kind, instance = wanted.get("type", "cloud"), wanted.get("instanceId")
        for one in room.recordings:
            is_kind = (one.kind == "raw-tracks") == (kind == "raw-tracks")
            if one.is_active and is_kind and instance in {None, one.instance_id}:
                return one
        raise invalid(f"room {name} has no active recording of this type")

    def _all(self) -> list[Recording]:
        return [one for one in self.world.recordings_of("daily") if "deleted" not in one.notes]

    def _find(self, recording_id: str) -> Recording:
        found = next((one for one in self._all() if one.id == recording_id), None)
        if found is None:
            raise refused(404, "not-found", f"recording {recording_id} not found")
        return found


def _object(recording: Recording) -> dict[str, Any]:
    """The type is not said; the length only once it is finished."""
    is_ready = recording.state == "ready"
    call = recording.call
    return {
        "id": recording.id,
        "room_name": recording.room.name,
        "start_ts": int(recording.started_at.timestamp()),
        "status": STATES[recording.state],
        "max_participants": recording.most,
        **({"duration": round(recording.seconds)} if is_ready else {}),
        "share_token": "x",
        **({"s3key": storage.key(recording)} if recording.state != "failed" else {}),
        "mtgSessionId": call.id if call else None,
        "tracks": storage.tracks(recording),
    }
