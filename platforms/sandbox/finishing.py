"""What happens to a recording that has stopped, in a thread of its own: its sound, its file, and where that is kept."""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import av

from platforms.sandbox import recorder
from platforms.sandbox.scene import Recording, Room, SandboxError

if TYPE_CHECKING:
    from platforms.sandbox.server import Sandbox

logger = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds that browsers have for the last that they heard


def finish_recordings(sandbox: "Sandbox", what: str, room: Room, **facts: Any) -> None:
    """For `World.listen`."""
    if what == "recording_stopped":
        recording: Recording = facts["recording"]
        expected = {person.session_id for person in room.people}
        threading.Thread(target=finish, args=(sandbox, recording, expected), daemon=True).start()


def finish(sandbox: "Sandbox", recording: Recording, expected: set[str]) -> None:
    platform = recording.room.platform
    faults = sandbox.faults[platform]
    wait_for_sound(sandbox, recording, expected)
    try:
        if faults.recordings_fail:
            raise SandboxError("cloud-recording-error: asked to fail")
        is_silent = faults.recordings_without_audio
        recording.files = recorder.record(recording, with_sound=not is_silent)
        if is_silent and recording.kind == "raw-tracks":
            recording.files = []
        sandbox.providers[platform].keep(recording, recording.files)
    except (SandboxError, av.FFmpegError, OSError, ValueError) as error:
        logger.warning("recording_failed platform=%s recording=%s error=%s", platform, recording.id, error)
        sandbox.world.fail(recording, str(error))
    else:
        sandbox.world.ready(recording)


def wait_for_sound(sandbox: "Sandbox", recording: Recording, expected: set[str]) -> None:
    """Until all who were there, and all of whom something was heard, have sent everything; for a moment at most."""
    world = sandbox.world
    deadline = time.monotonic() + PATIENCE * world.time_scale
    while (left := deadline - time.monotonic()) > 0:
        seen = world.version
        if expected | set(recording.audio) <= recording.complete:
            return
        world.wait_for_change(seen, left)
