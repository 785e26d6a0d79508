"""What a room is set to and a platform cannot do."""

from django.utils.translation import gettext, gettext_noop

from platforms.base import VideoPlatformClient
from rooms.models import Room

ROOM_MODES: dict[str, str] = {
    Room.Mode.NORMAL: gettext_noop("room mode “normal” (for up to four people)"),
    Room.Mode.GROUP: gettext_noop("room mode “group” (for more than four people)"),
}


def lost_features(room: Room, client_class: type[VideoPlatformClient]) -> list[str]:
    """What the room is set to and the platform cannot do."""
    lost = []
    if room.logo and not client_class.supports_logo:
        lost.append(gettext("logo"))
    if room.is_locked and not client_class.supports_locking:
        lost.append(gettext("knocking before one is let in"))
    if room.room_mode not in client_class.room_modes:
        lost.append(gettext(ROOM_MODES[room.room_mode]))
    if room.recording_type not in client_class.recording_types:
        lost.append(gettext("%(type)s recording") % {"type": room.recording_type})
    elif room.recording_type == Room.RecordingType.CLOUD:
        lost += _trigger_loss(room.recording_trigger, client_class.recording_triggers)
        if client_class.only_hosts_record and room.recording_trigger.startswith(Room.RecordingTrigger.AUTOMATIC):
            lost.append(gettext("recording that starts without waiting for a host"))
    return lost


def _trigger_loss(trigger: str, offered: frozenset[str]) -> list[str]:
    """Only recording in the cloud starts by a trigger."""
    triggers = Room.RecordingTrigger
    if trigger in offered:
        return []
    if trigger == triggers.AUTOMATIC_2ND_PARTICIPANT and triggers.AUTOMATIC in offered:
        return [gettext("recording starts with the first person instead of the second")]
    if trigger == triggers.AUTOMATIC and triggers.AUTOMATIC_2ND_PARTICIPANT in offered:
        return [gettext("recording starts with the second person instead of the first")]
    if trigger == triggers.NONE:
        return [gettext("recording that is started by hand only")]
    if trigger == triggers.PROMPT:
        return [gettext("asking people to start recording")]
    return [gettext("recording that starts by itself")]
