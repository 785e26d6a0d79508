"""What goes into and comes out of a platform client. All datetimes are aware, all durations in seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from platforms.events import Track


class RoomSettings(Protocol):
    """What a client reads from a room; a meeting's snapshot of its room's settings fits as well.

    Values are those of the API: `room_mode` normal|group, `recording_type` none|local|cloud and
    `recording_trigger` none|prompt|automatic|automatic-2nd-participant.
    """

    @property
    def is_locked(self) -> bool: ...
    @property
    def room_mode(self) -> str: ...
    @property
    def recording_type(self) -> str: ...
    @property
    def recording_trigger(self) -> str: ...
    @property
    def skip_consent(self) -> bool: ...


@dataclass(frozen=True)
class VideoPlatformConfig:
    """The OPTIONS of one alias in the VIDEO_PLATFORMS setting. What is no field of it is in `extra`.

    A backend with more options than these derives a dataclass of its own, which its `options_class` names.
    `variables` are the environment variables of this alias, where they are others than the backend says.
    """

    name: str = ""
    api_url: str = ""
    api_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    s3_bucket: str = ""
    s3_region: str = ""
    s3_endpoint_url: str = ""
    aws_role_arn: str = ""
    aws_access_key_id: str = field(default="", repr=False)
    aws_access_key_secret: str = field(default="", repr=False)
    webhook_window: float | None = None  # seconds; None for the backend's own
    presence_checks_per_minute: int | None = None  # rooms; None for as many as are looked at anywhere
    simulated: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_options(cls, name: str, options: Mapping[str, Any], variables: Mapping[str, str] | None = None) -> Self:
        known = cls.__dataclass_fields__.keys() - {"name", "extra", "variables"}
        values = {key: value for key, value in options.items() if key in known}
        if "webhook_secrets" in values:
            values["webhook_secrets"] = tuple(values["webhook_secrets"])
        extra = {key: value for key, value in options.items() if key not in known}
        return cls(name=name, extra=extra, variables=variables or {}, **values)


@dataclass(frozen=True)
class MeetingData:
    """A meeting as the provider made it.

    `meeting_id` and `room_name` are the provider's own, as later events will carry them. `host_room_url` lets
    its holder in as host: it is a secret, and equals `room_url` on platforms that tell hosts by token.
    """

    meeting_id: str
    room_name: str
    room_url: str
    host_room_url: str = field(repr=False)
    platform: str


@dataclass(frozen=True)
class SessionData:
    """One stretch of time in which people were in a room; `ended_at` is None while it goes on."""

    session_id: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Participant:
    """One connection of one person to a provider's room; `left_at` is None while it lasts."""

    session_id: str
    joined_at: datetime
    user_id: str | None = None
    user_name: str | None = None
    left_at: datetime | None = None


@dataclass(frozen=True)
class WebhookSummary:
    """What tells one delivered event from another: `key` is equal for, and only for, deliveries of the same event.

    `event_id` and `type` are the provider's, for people to read.
    """

    key: str
    event_id: str = ""
    type: str = ""


@dataclass(frozen=True)
class WebhookSubscription:
    """A webhook as the provider knows it; `is_active` is False when the provider has stopped sending.

    `has_known_secret` tells whether one of the configured secrets signs; None where the provider does not say.
    """

    id: str
    url: str
    state: str
    is_active: bool
    event_types: Sequence[str] = ()
    retry_type: str = ""
    has_known_secret: bool | None = None


@dataclass(frozen=True)
class RecordingRef:
    """What is known of a recording from one source; empty fields are what that source does not say.

    `kind` is "file" or "tracks". `tracks` is None for a single file and empty when nobody was heard. `key` is an object
    of `bucket`, and `version` tells one content of it from another. `download_url` is a signed link that ends.
    """

    platform: str
    recording_id: str = ""
    room_name: str = ""
    meeting_id: str = ""
    kind: str = ""
    started_at: datetime | None = None
    duration: float | None = None  # seconds
    bucket: str = ""
    key: str = ""
    version: str = ""
    tracks: Sequence[Track] | None = None
    download_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class RecordingStore:
    """A bucket in which a provider leaves recordings; empty credentials stand for those of the machine.

    Only objects whose key begins with `prefix`, which is empty or ends in a slash, are the provider's.
    """

    bucket: str
    prefix: str = ""
    region: str = ""
    access_key_id: str = field(default="", repr=False)
    access_key_secret: str = field(default="", repr=False)
    endpoint_url: str = ""  # empty for Amazon's own, or AWS_ENDPOINT_URL


@dataclass(frozen=True)
class JoinRequest:
    """Who wants to join which meeting; `expires_at` is when the right to join ends."""

    room_name: str
    room_url: str
    host_room_url: str = field(repr=False)
    settings: RoomSettings
    expires_at: datetime
    is_owner: bool = False
    user_id: str | None = None
    user_name: str | None = None
    # Whether this person's coming may begin a recording that is to begin by itself.
    starts_recording: bool = True


@dataclass(frozen=True)
class JoinLink:
    """What lets one person in: an address, and what the platform's own script in the room's page needs beside it.

    `parameters` are for that script only (a token, the address of a media server); a frame is given the address alone.
    """

    url: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
