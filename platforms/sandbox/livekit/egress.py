"""LiveKit's recordings: https://docs.livekit.io/reference/other/egress/api/"""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from platforms.sandbox.livekit.events import egress_message, path_of, upload_of
from platforms.sandbox.livekit.rooms import Rooms
from platforms.sandbox.livekit.state import LiveKitState, refused
from platforms.sandbox.storage import Storage
from platforms.sandbox.wire.validation import an_array, boolean, nested, one_of, problem, text
from platforms.sandbox.world.model import File, NobodyThere, Recording, SandboxError

S3 = {
    **dict.fromkeys(("access_key", "secret", "region", "endpoint", "bucket"), text()),
    "force_path_style": boolean,
}
FILE = {
    "file_type": one_of("DEFAULT_FILETYPE", "MP4", "OGG"),
    "filepath": text(1024),
    "disable_manifest": boolean,
    "s3": nested(S3, required=("bucket",)),
}
START = {
    "room_name": text(256),
    "layout": text(),
    **dict.fromkeys(("audio_only", "video_only"), boolean),
    "file_outputs": an_array(nested(FILE, required=("filepath", "s3")), 1),
}
Fields = dict[str, Any]


class Egress:
    def __init__(self, livekit: LiveKitState) -> None:
        self.livekit = livekit
        self.context = livekit.context
        self.rooms = Rooms(livekit)

    def methods(self) -> dict[str, tuple[str, Callable[[Fields], Fields]]]:
        """By method, the grant that it needs, and what it does."""
        return {
            "StartRoomCompositeEgress": ("roomRecord", self.start),
            "ListEgress": ("roomRecord", self.index),
            "StopEgress": ("roomRecord", self.stop),
        }

    def start(self, wanted: Fields) -> Fields:
        if wrong := problem(wanted, START) or ("" if wanted.get("file_outputs") else "request has missing outputs"):
            raise refused("invalid_argument", wrong)
        room = self.rooms.find(wanted)
        if self.context.faults.use_up("busy_recorders"):
            raise refused("unavailable", "no response from servers")
        request = str(uuid.uuid4())
        room.provider["requests"][request] = wanted
        try:
            recording = self.context.world.start_recording(room, "cloud", instance_id=request)
        except NobodyThere as error:  # a real one begins, and waits
            raise refused("unavailable", "the sandbox records nobody") from error
        return {**egress_message(recording), "status": "EGRESS_STARTING"}

    def index(self, wanted: Fields) -> Fields:
        found = [
            one
            for one in map(egress_message, self.context.world.recordings_of("livekit"))
            if wanted.get("room_name") in {None, "", one["room_name"]}
            and wanted.get("egress_id") in {None, "", one["egress_id"]}
            and (not wanted.get("active") or one["status"] == "EGRESS_ACTIVE")
        ]
        return {"items": found}

    def stop(self, wanted: Fields) -> Fields:
        recording = self.livekit.recording(str(wanted.get("egress_id", "")))
        self.context.world.stop_recording(recording)
        return egress_message(recording)


def keep(storage: Storage | None, recording: Recording, files: Sequence[File]) -> None:
    """Raises SandboxError when the bucket cannot be written to."""
    if not files:
        raise SandboxError("Source closed")
    if storage is None:
        raise SandboxError("upload failed: there is no storage")
    upload = upload_of(recording)
    storage.put(
        upload["bucket"], path_of(recording), files[0].path, upload.get("access_key", ""), upload.get("secret", "")
    )
    recording.notes["put"] = [files[0]]
