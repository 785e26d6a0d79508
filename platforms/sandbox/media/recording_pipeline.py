"""What happens to a recording that has stopped, in a thread of its own: its sound, its file, and where that is kept."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import av

from platforms.sandbox.media import recorder
from platforms.sandbox.provider import Provider
from platforms.sandbox.world.model import Recording, Room, SandboxError
from platforms.sandbox.world.world import World

logger = logging.getLogger(__name__)

AUDIO_TIMEOUT_SECONDS = 5.0  # in which browsers send the last that they heard


def finish_recordings(providers: Mapping[str, Provider], what: str, room: Room, **facts: Any) -> None:
    """For `World.listen`."""
    if what == "recording_stopped":
        recording: Recording = facts["recording"]
        expected = {person.session_id for person in room.people}
        threading.Thread(target=finish, args=(providers[room.platform], recording, expected), daemon=True).start()


def finish(provider: Provider, recording: Recording, expected: set[str]) -> None:
    world, faults = provider.context.world, provider.context.faults
    wait_for_sound(world, recording, expected)
    try:
        if faults.recordings_fail:
            raise SandboxError("cloud-recording-error: asked to fail")
        is_silent = faults.recordings_without_audio
        recording.files = recorder.record(recording, with_sound=not is_silent)
        if is_silent and recording.kind == "raw-tracks":
            recording.files = []
        provider.keep(recording, recording.files)
    except (SandboxError, av.FFmpegError, OSError, ValueError) as error:
        logger.warning("recording_failed platform=%s recording=%s error=%s", provider.name, recording.id, error)
        world.fail(recording, str(error))
    else:
        world.ready(recording)


def wait_for_sound(world: World, recording: Recording, expected: set[str]) -> None:
    """Until all who were there, and all of whom something was heard, have sent everything; for a moment at most."""
    deadline = time.monotonic() + AUDIO_TIMEOUT_SECONDS * world.time_scale
    while (left := deadline - time.monotonic()) > 0:
        seen = world.version
        if expected | set(recording.audio) <= recording.complete:
            return
        world.wait_for_change(seen, left)
