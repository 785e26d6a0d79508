"""The contract of the single-page app, an operation a row: who may, what they are told, and what an answer holds."""

from dataclasses import dataclass, field
from typing import Any

# Of who is not signed in, of somebody else who is, and of the owner.
Statuses = tuple[int, int, int]
USER, OWNER, OPEN, SHARED = (401, 200, 200), (401, 403, 200), (200, 200, 200), (403, 403, 200)

TEXT, NUMBER, FLAG, WHOLE, LIST, OBJECT = str, (int, float), bool, int, list, dict
MAYBE = (str, type(None))
Fields = dict[str, Any]
Wrong = tuple[dict[str, Any], int, str]

ROOM = {
    **dict.fromkeys(["id", "name", "user_id", "created_at", "zulip_stream", "zulip_topic", "room_mode"], TEXT),
    **dict.fromkeys(["recording_type", "recording_trigger", "platform"], TEXT),
    **dict.fromkeys(["zulip_auto_post", "is_locked", "is_shared", "ics_enabled", "skip_consent", "store_video"], FLAG),
    **dict.fromkeys(["ics_url", "ics_last_sync", "ics_last_etag", "email_transcript_to"], MAYBE),
    "ics_fetch_interval": WHOLE,
}
DETAILS = {**ROOM, "webhook_url": MAYBE, "webhook_secret": MAYBE}
MEETING = {
    **dict.fromkeys(["id", "room_name", "room_url", "host_room_url", "start_date", "end_date", "platform"], TEXT),
    **dict.fromkeys(["room_mode", "recording_type", "recording_trigger"], TEXT),
    **dict.fromkeys(["user_id", "room_id", "calendar_event_id"], MAYBE),
    **dict.fromkeys(["is_locked", "is_active", "store_video"], FLAG),
    "num_clients": WHOLE,
    "calendar_metadata": (dict, type(None)),
}
PAGE = {"items": LIST, "total": WHOLE, "page": WHOLE, "size": WHOLE, "pages": WHOLE}
MINIMAL = {
    **dict.fromkeys(["id", "name", "status", "created_at", "share_mode", "source_kind"], TEXT),
    **dict.fromkeys(["user_id", "title", "short_summary", "long_summary", "source_language"], MAYBE),
    **dict.fromkeys(["target_language", "meeting_id", "room_id", "room_name"], MAYBE),
    **dict.fromkeys(["locked", "reviewed", "audio_deleted", "has_cloud_video"], FLAG),
    **dict.fromkeys(["duration", "change_seq"], WHOLE),
    "cloud_video_duration": (int, type(None)),
}
WITH_PARTICIPANTS = {**MINIMAL, "participants": LIST}
PARTICIPANT = {"id": TEXT, "speaker": (int, type(None)), "name": TEXT}
SEGMENT = {"text": TEXT, "start": NUMBER, "speaker": WHOLE}
WORD = {"text": TEXT, "start": NUMBER, "end": NUMBER, "speaker": WHOLE}
TOPIC = {
    **dict.fromkeys(["id", "title", "summary", "transcript"], TEXT),
    **dict.fromkeys(["timestamp", "duration"], NUMBER),
    "segments": [SEGMENT],
}
STATUS = {"status": TEXT}
STREAM = {"stream_id": WHOLE, "name": TEXT}
NEW_ROOM = {
    "name": "made-by-{person}",
    "zulip_auto_post": False,
    "zulip_stream": "",
    "zulip_topic": "",
    "is_locked": False,
    "room_mode": "normal",
    "recording_type": "cloud",
    "recording_trigger": "automatic-2nd-participant",
    "is_shared": False,
    "webhook_url": "",
    "webhook_secret": "",
    "platform": "daily",
}
NO_ROOM, NO_TRANSCRIPT, NO_MEETING = "Room not found", "Transcript not found", "Meeting not found"
OFFER = {"sdp": "v=0", "type": "offer"}
NOTHING = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Row:
    """`wrong` are requests of the owner that are refused: what differs, the status, and the start of the detail."""

    call: str
    statuses: Statuses
    fields: Any = None
    body: Any = None
    wrong: list[Wrong] = field(default_factory=list)
    note: str = ""


def absent(**path: str) -> dict[str, Any]:
    return {"path": path}


ROOM_GONE = [(absent(room=NOTHING), 404, NO_ROOM)]
NAME_GONE = [(absent(name="nowhere"), 404, NO_ROOM)]
MEETING_GONE = [(absent(meeting=NOTHING), 404, NO_MEETING)]
GONE = [(absent(transcript=NOTHING), 404, NO_TRANSCRIPT)]
BAD: list[Wrong] = [({"body": {}}, 422, "")]

ROWS = [
    Row("GET /v1/rooms", USER, PAGE | {"items": [DETAILS]}, wrong=[({"query": "size=101"}, 422, "")]),
    Row(
        "POST /v1/rooms",
        USER,
        ROOM,
        NEW_ROOM,
        [*BAD, ({"body": NEW_ROOM | {"name": "contract"}}, 400, "Room name is not")],
    ),
    Row("GET /v1/rooms/{room}", SHARED, DETAILS, wrong=ROOM_GONE),
    Row("GET /v1/rooms/name/{name}", OPEN, DETAILS, wrong=NAME_GONE),
    Row(
        "PATCH /v1/rooms/{room}",
        OWNER,
        DETAILS,
        {"is_locked": False},
        [*ROOM_GONE, ({"body": {"name": "a b"}}, 422, "")],
    ),
    Row("DELETE /v1/rooms/{spare}", OWNER, STATUS, wrong=[(absent(spare=NOTHING), 404, NO_ROOM)]),
    Row("POST /v1/rooms/{name}/meeting", OPEN, MEETING, {}, NAME_GONE),
    Row(
        "POST /v1/rooms/{room}/webhook/test", OWNER, {"success": FLAG, "message": TEXT, "error": TEXT}, wrong=ROOM_GONE
    ),
    Row("POST /v1/rooms/{name}/ics/sync", (403, 403, 400), wrong=[*NAME_GONE, ({}, 400, "ICS not configured")]),
    Row("GET /v1/rooms/{name}/ics/status", SHARED, {"status": TEXT, "events_count": WHOLE}, wrong=NAME_GONE),
    Row("GET /v1/rooms/{name}/meetings", OPEN, [], wrong=NAME_GONE),
    Row("GET /v1/rooms/{name}/meetings/upcoming", OPEN, [], wrong=[({"query": "minutes_ahead=x"}, 422, "")]),
    Row("GET /v1/rooms/{name}/meetings/active", OPEN, [MEETING], wrong=NAME_GONE),
    Row("GET /v1/rooms/{name}/meetings/{meeting}", OPEN, MEETING, wrong=[*NAME_GONE, *MEETING_GONE]),
    Row("POST /v1/rooms/{name}/meetings/{meeting}/join", OPEN, MEETING, wrong=[*NAME_GONE, *MEETING_GONE]),
    Row(
        *("POST /v1/meetings/{meeting}/consent", OPEN, {"status": TEXT, "consent_id": TEXT}, {"consent_given": True}),
        [*MEETING_GONE, *BAD],
    ),
    Row(
        *("POST /v1/meetings/{meeting}/recordings/start", OPEN, {"status": TEXT, "instanceId": TEXT}),
        {"type": "raw-tracks", "instanceId": NOTHING},
        [*MEETING_GONE, ({"body": {"type": "x"}}, 422, "")],
    ),
    Row(
        *("POST /v1/meetings/{meeting}/email-recipient", OPEN),
        {"status": TEXT, "email_recipients": [{"email": TEXT, "include_link": FLAG}]},
        {"email": "ada@example.com"},
        [*MEETING_GONE, *BAD],
    ),
    Row("PATCH /v1/meetings/{meeting}/deactivate", OWNER, {"status": TEXT, "meeting_id": TEXT}, wrong=MEETING_GONE),
    Row("POST /v1/whereby", (400, 400, 400), note="for the provider, who signs"),
    Row("POST /v1/daily/webhook", (400, 400, 400), note="for the provider, who signs"),
    Row("POST /v1/livekit/webhook", (401, 401, 401), note="for the provider; LiveKit is not configured here"),
    Row("GET /v1/me", OPEN, (dict, type(None)), note="served; null for nobody"),
    Row(
        "POST /v1/user/api-keys",
        USER,
        {"id": TEXT, "user_id": TEXT, "name": MAYBE, "created_at": TEXT, "key": TEXT},
        {},
    ),
    Row("GET /v1/user/api-keys", USER, [{"id": TEXT, "user_id": TEXT, "name": MAYBE, "created_at": TEXT}]),
    Row("DELETE /v1/user/api-keys/{key}", (401, 404, 200), STATUS, wrong=[(absent(key=NOTHING), 404, "Not Found")]),
    Row("GET /v1/config", OPEN, {"zulip_enabled": FLAG, "email_enabled": FLAG}),
    Row("GET /v1/zulip/streams", (403, 200, 200), []),
    Row("GET /v1/zulip/streams/1/topics", (403, 200, 200), []),
    Row("POST /v1/auth/login", (422, 422, 422), None, {"email": "x"}),
    Row("GET /health", OPEN, STATUS),
    Row("GET /v1/transcripts", USER, PAGE | {"items": [MINIMAL]}, wrong=[({"query": "sort_by=name"}, 422, "")]),
    Row(
        *("GET /v1/transcripts/search?q=morning", USER),
        {"results": LIST, "total": WHOLE, "query": MAYBE, "limit": WHOLE, "offset": WHOLE},
        wrong=[({"query": "q=&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z"}, 400, "'from' must be")],
    ),
    Row(
        "POST /v1/transcripts",
        USER,
        WITH_PARTICIPANTS,
        {"name": ""},
        [({"body": {"name": "", "source_kind": "live"}}, 422, "")],
    ),
    Row(
        "GET /v1/transcripts/{transcript}",
        SHARED,
        WITH_PARTICIPANTS | {"transcript_format": TEXT, "transcript": TEXT},
        wrong=GONE,
    ),
    Row("PATCH /v1/transcripts/{transcript}", OWNER, WITH_PARTICIPANTS, {"reviewed": True, "name": None}, GONE),
    Row("DELETE /v1/transcripts/{trashed}", OWNER, STATUS),
    Row(
        "POST /v1/transcripts/{trashed}/restore",
        (401, 404, 200),
        STATUS,
        wrong=[({}, 400, "Transcript is not deleted")],
    ),
    Row(
        "DELETE /v1/transcripts/{doomed}/destroy", (401, 403, 400), wrong=[({}, 400, "Transcript must be soft-deleted")]
    ),
    Row("GET /v1/transcripts/{transcript}/topics", SHARED, [TOPIC], wrong=GONE),
    Row("GET /v1/transcripts/{transcript}/topics/with-words", SHARED, [TOPIC | {"words": [WORD]}], wrong=GONE),
    Row(
        *("GET /v1/transcripts/{transcript}/topics/{topic}/words-per-speaker", SHARED),
        TOPIC | {"words_per_speaker": [{"speaker": WHOLE, "words": [WORD]}]},
        wrong=[(absent(topic=NOTHING), 404, "Topic not found")],
    ),
    Row(
        "POST /v1/transcripts/{transcript}/zulip?stream=a&topic=b&include_topics=true",
        *((401, 403, 400), None, None, [({}, 400, "Zulip not configured"), ({"query": ""}, 422, "")]),
    ),
    Row(
        *("POST /v1/transcripts/{transcript}/email", OWNER, {"sent": WHOLE}, {"email": "ada@example.com"}),
        [*GONE, *BAD],
    ),
    Row(
        "GET /v1/transcripts/{transcript}/audio/mp3",
        (401, 403, 200),
        bytes,
        wrong=[*GONE, ({"query": "token=x"}, 200, "")],
    ),
    Row("HEAD /v1/transcripts/{transcript}/audio/mp3", (401, 403, 200), bytes),
    Row("GET /v1/transcripts/{transcript}/audio/waveform", (401, 403, 200), {"data": LIST}, wrong=GONE),
    Row("GET /v1/transcripts/{transcript}/participants", SHARED, [PARTICIPANT], wrong=GONE),
    Row(
        *("POST /v1/transcripts/{transcript}/participants", OWNER, PARTICIPANT, {"name": "Hedy"}),
        [*BAD, ({"body": {"name": "Ada", "speaker": 0}}, 400, "Speaker already assigned")],
    ),
    Row(
        *("GET /v1/transcripts/{transcript}/participants/{participant}", SHARED, PARTICIPANT),
        wrong=[(absent(participant=NOTHING), 404, "Participant not found")],
    ),
    Row(
        "PATCH /v1/transcripts/{transcript}/participants/{participant}",
        OWNER,
        PARTICIPANT,
        {"name": "Ex", "speaker": None},
    ),
    Row("DELETE /v1/transcripts/{transcript}/participants/{leaving}", OWNER, STATUS),
    Row(
        *("PATCH /v1/transcripts/{transcript}/speaker/assign", OWNER, STATUS),
        {"speaker": 1, "timestamp_from": 0.0, "timestamp_to": 0.1},
        [({"body": {"timestamp_from": 0, "timestamp_to": 1}}, 400, "Either speaker or participant must")],
    ),
    Row(
        *("PATCH /v1/transcripts/{transcript}/speaker/merge", OWNER, STATUS, {"speaker_from": 7, "speaker_to": 1}),
        [({"body": {"speaker_from": 0, "speaker_to": 1}}, 400, "Both speakers are assigned"), *BAD],
    ),
    Row("POST /v1/transcripts/{empty}/record/upload?chunk_number=0&total_chunks=1", OWNER, STATUS, "audio"),
    Row(
        "POST /v1/transcripts/{empty}/record/webrtc",
        (401, 403, 400),
        body=OFFER,
        wrong=[({}, 400, "This server does not")],
        note="refused by design",
    ),
    Row("POST /v1/transcripts/{empty}/process", OWNER, STATUS, wrong=[(absent(empty=NOTHING), 404, NO_TRANSCRIPT)]),
    Row("GET /v1/transcripts/{transcript}/download/zip", OWNER, bytes, wrong=GONE),
    Row("GET /v1/transcripts/{transcript}/video/url", (401, 403, 404), wrong=[({}, 404, "No video available")]),
]
