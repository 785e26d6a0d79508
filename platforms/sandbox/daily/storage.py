"""Where Daily puts what was recorded: one file in its own storage, tracks in the room's bucket.

https://docs.daily.co/guides/products/live-streaming-recording/storing-recordings-in-a-custom-s3-bucket
"""

from collections.abc import Sequence
from typing import Any

from platforms.sandbox.storage import Storage
from platforms.sandbox.world.model import File, Recording, SandboxError


def keep(storage: Storage | None, recording: Recording, files: Sequence[File]) -> None:
    """Raises SandboxError when there is nowhere to put the files."""
    if recording.kind != "raw-tracks":
        if not files:
            raise SandboxError("cloud-recording-error: there was nothing to record")
        recording.notes["file"] = files[0]
        return
    bucket = recording.room.provider["properties"].get("recordings_bucket")
    if not bucket or not storage:
        raise SandboxError("cloud-recording-error: could not get STS credentials")
    found = []
    for file in files:
        name = track_key(recording, file)
        storage.put(bucket["bucket_name"], name, file.path)
        found.append({"type": "audio", "s3Key": name, "size": file.size})
    recording.notes["tracks"] = found


def key(recording: Recording) -> str:
    """The domain, the room, and when it began in milliseconds; without an ending."""
    return f"sandbox/{recording.room.name}/{_milliseconds(recording)}"


def track_key(recording: Recording, file: File) -> str:
    began = _milliseconds(recording) + round(file.offset * 1000)
    return f"{key(recording)}-{file.session_id}-cam-audio-{began}"


def tracks(recording: Recording) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recording.notes.get("tracks", [])
    return found


def _milliseconds(recording: Recording) -> int:
    return int(recording.started_at.timestamp() * 1000)
