"""The floor of the bench `reads`: views that say who asks, read the same rows by the same few statements, and answer.

They know nothing of permissions beyond the token, of pages beyond the first, or of input that is wrong.
"""

import json

import jwt
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.urls import path

from platforms.webhooks.urls import webhook_routes
from tests.bench.urls import verify_and_insert

PERSON = """
    SELECT id, username, email, password, is_active, is_staff FROM auth_user
    WHERE id = %s AND NOT EXISTS (SELECT 1 FROM rooms_endedtoken WHERE token_id = %s)
"""
ROOM = """
    SELECT id, owner_id AS user_id, created_at, name, platform, never_elsewhere, is_locked, room_mode, recording_type,
        recording_trigger, is_shared, skip_consent, store_video, email_transcript_to, zulip_auto_post, zulip_stream,
        zulip_topic, ics_url, ics_fetch_interval, ics_enabled, ics_all_events, ics_last_sync, ics_last_etag,
        webhook_url, webhook_secret, webhook_participants, webhook_muted, platform = '' AS platform_is_automatic,
        'The default platform.' AS platform_reason
    FROM rooms_room
"""
MEETING = """
    SELECT id, room_name, room_url, host_room_url, start_date, end_date, room_id, is_locked, room_mode, recording_type,
        recording_trigger, num_clients, true AS is_active, calendar_event_id, calendar_metadata, platform,
        platform_reason, store_video
    FROM meetings_meeting WHERE room_id = %s AND state = 'live' AND (end_date > now() OR num_clients > 0)
    ORDER BY start_date DESC, id DESC
"""
JOINED = """
    SELECT meeting.*, room.owner_id
    FROM meetings_meeting AS meeting JOIN rooms_room AS room ON room.id = meeting.room_id
    WHERE room.name = %s AND meeting.id = %s AND meeting.state = 'live'
"""
TRANSCRIPTS = """
    SELECT t.id, t.user_id, t.name, t.status, t.locked, t.duration, t.title, t.short_summary, t.long_summary, t.note,
        t.created_at, t.share_mode, t.source_language, t.target_language, t.reviewed, recording.meeting_id,
        t.source_kind, t.room_id, room.name AS room_name, t.audio_deleted, t.change_seq, recording.has_video,
        recording.duration AS cloud_video_duration
    FROM recordings_transcript AS t
    LEFT JOIN rooms_room AS room ON room.id = t.room_id
    LEFT JOIN recordings_recording AS recording ON recording.id = t.recording_id
    WHERE t.user_id = %s AND t.deleted_at IS NULL ORDER BY t.created_at DESC, t.id DESC LIMIT 50
"""
SEARCH = """
    SELECT t.id, t.name, t.title, t.user_id, t.room_id, room.name AS room_name, t.source_kind, t.created_at, t.status,
        ts_rank(document.vector, query, 32) AS rank, t.duration, left(document.body, 160) AS search_snippets,
        count(*) OVER () AS total_match_count, t.change_seq
    FROM recordings_searchdocument AS document
    JOIN recordings_transcript AS t ON t.id = document.transcript_id
    LEFT JOIN rooms_room AS room ON room.id = t.room_id, to_tsquery('simple', %s) AS query
    WHERE document.vector @@ query AND t.user_id = %s AND t.deleted_at IS NULL ORDER BY rank DESC LIMIT 20
"""


def rows(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def person_of(request):
    token = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])
    [person] = rows(PERSON, claims["sub"], claims["jti"])
    return person


def answer(values):
    return HttpResponse(json.dumps(values, default=str), content_type="application/json")


def health(request):
    return HttpResponse("ok")


def me(request):
    person = person_of(request)
    return answer({"sub": str(person["id"]), "email": person["email"]})


def room(request, name):
    person_of(request)
    return answer(rows(f"{ROOM} WHERE name = %s", name)[0])


def rooms(request):
    person = person_of(request)
    [count] = rows("SELECT count(*) FROM rooms_room WHERE owner_id = %s OR is_shared", person["id"])
    found = rows(f"{ROOM} WHERE owner_id = %s OR is_shared ORDER BY created_at DESC LIMIT 100", person["id"])
    return answer({"items": found, "total": count["count"], "page": 1, "size": 100, "pages": 10})


def active(request, name):
    person_of(request)
    return answer(rows(MEETING, rows("SELECT id FROM rooms_room WHERE name = %s", name)[0]["id"]))


def live(request, name):
    json.loads(request.body)
    person_of(request)
    return answer(rows(MEETING, rows("SELECT id FROM rooms_room WHERE name = %s", name)[0]["id"])[0])


def join(request, name, meeting_id):
    person_of(request)
    [found] = rows(JOINED, name, meeting_id)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE meetings_meeting SET expected_at = now() WHERE id = %s", [meeting_id])
    response = answer(found | {"join_parameters": {}})
    response.set_signed_cookie("joined", "1", salt=meeting_id, path=f"/v1/meetings/{meeting_id}", httponly=True)
    return response


def transcripts(request):
    person = person_of(request)
    counting = "SELECT count(*) FROM recordings_transcript WHERE user_id = %s AND deleted_at IS NULL"
    [count] = rows(counting, person["id"])
    found = rows(TRANSCRIPTS, person["id"])
    return answer({"items": found, "total": count["count"], "page": 1, "size": 50, "pages": 20})


def search(request):
    person = person_of(request)
    found = rows(SEARCH, f"{request.GET['q']}:*", person["id"])
    return answer({"results": found, "query": request.GET["q"], "limit": 20, "offset": 0})


webhooks = [
    path(route.removeprefix("/"), verify_and_insert, {"platform": name}) for route, name in webhook_routes().items()
]
urlpatterns = [
    path("health", health),
    path("v1/me", me),
    path("v1/rooms", rooms),
    path("v1/rooms/name/<str:name>", room),
    path("v1/rooms/<str:name>/meetings/active", active),
    path("v1/rooms/<str:name>/meeting", live),
    path("v1/rooms/<str:name>/meetings/<str:meeting_id>/join", join),
    path("v1/transcripts", transcripts),
    path("v1/transcripts/search", search),
    *webhooks,
]
