"""Zulip: transcripts that are ready are posted, channels and topics are listed; its API is a stub on loopback."""

import base64
import json
from urllib.parse import parse_qs, urlencode

import pytest
from django.utils import timezone

from meetings.opening import open_meeting
from platforms.work import models
from recordings.models import Recording, Transcript, ZulipPost
from recordings.transcription import submit
from recordings.transcription.processors import Result, Segment
from rooms import zulip
from rooms.models import Room
from tests.conftest import api_for, error
from tests.support.stub_provider import Answer, StubProvider
from tests.support.transcripts import make_transcript

pytestmark = pytest.mark.usefixtures("recordings_folder")

KEY = "unspoken-key"
MESSAGES, STREAMS, TOPICS = "/api/v1/messages", "/api/v1/streams", "/api/v1/users/me/7/topics"
NOT_SET = "This server posts nothing to Zulip: its operator has to set ZULIP_REALM, ZULIP_BOT_EMAIL, ZULIP_API_KEY."
TALK = Result("en", 125.0, [Segment(0.0, 2.0, "Ada", "Good morning."), Segment(60.0, 65.0, "Grace", "The budget.")])


@pytest.fixture
def server(settings):
    with StubProvider() as stub:
        settings.ZULIP_REALM, settings.ZULIP_BOT_EMAIL, settings.ZULIP_API_KEY = stub.url, "bot@example.com", KEY
        stub.on("POST", MESSAGES, Answer(json={"id": 42, "result": "success", "msg": ""}))
        yield stub


@pytest.fixture
def posting(room):
    Room.objects.update(zulip_auto_post=True, zulip_stream="Rooms & co", zulip_topic="standup")
    return Room.objects.get()


def finish(room, result=TALK):
    meeting = open_meeting(room)
    recording = Recording.objects.create(platform="mock", meeting_id=meeting.pk, state="processing", duration=5.0)
    assert submit.finish(recording, result)
    return Transcript.objects.get(recording=recording)


def work():
    return models.run_due(*models.models_of(ZulipPost.LINE))


def later():
    ZulipPost.objects.filter(state="waiting").update(next_attempt_at=timezone.now())


def form_of(request):
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def test_a_transcript_that_is_ready_is_posted_once(server, posting):
    transcript = finish(posting)
    assert work() == 1
    assert work() == 0
    [request] = server.requests
    assert request.headers["authorization"] == f"Basic {base64.b64encode(f'bot@example.com:{KEY}'.encode()).decode()}"
    form = form_of(request)
    assert (form["type"], json.loads(form["to"]), form["topic"]) == ("stream", "Rooms & co", "standup")
    assert form["content"].startswith(
        f"**[standup](http://localhost:8000/transcripts/{transcript.pk})**\n2 minutes, Ada, Grace"
    )
    post = ZulipPost.objects.get()
    assert (post.state, post.message_id) == ("done", 42)
    Recording.objects.update(state="processing")
    assert submit.finish(transcript.recording, TALK)
    assert work() == 0


def test_nobody_is_called_and_no_link_ends_early_by_what_a_title_holds(server, posting):
    finish(posting)
    Transcript.objects.update(title="@**all** [x](http://evil.example)\n```")
    work()
    content = form_of(server.requests[0])["content"]
    assert content.startswith("**[@all (x)(http://evil.example) ''']")
    assert "@**" not in content


@pytest.mark.parametrize("fields", [{"zulip_auto_post": False}, {"zulip_stream": ""}, {"zulip_topic": ""}])
def test_a_room_that_did_not_ask_for_it_posts_nothing(server, posting, fields):
    Room.objects.update(**fields)
    finish(Room.objects.get())
    assert ZulipPost.objects.count() == 0


def test_what_may_have_come_through_is_looked_for_before_it_is_posted_again(server, posting):
    transcript = finish(posting)
    server.on("POST", MESSAGES, Answer(502))
    work()
    assert ZulipPost.objects.get().state == "waiting"
    there = {"id": 7, "content": f"**[standup](http://localhost:8000/transcripts/{transcript.pk})**"}
    server.on("GET", MESSAGES, Answer(json={"messages": [{"id": 1, "content": "other"}, there]}))
    later()
    work()
    post = ZulipPost.objects.get()
    assert (post.state, post.message_id) == ("done", 7)
    assert len(server.sent("POST")) == 1
    [looked] = server.sent("GET")
    narrow = json.loads(looked.query["narrow"][0])
    assert {one["operator"]: one["operand"] for one in narrow} == {
        "stream": "Rooms & co",
        "topic": "standup",
        "sender": "bot@example.com",
    }


def test_what_did_not_come_through_is_posted_later(server, posting):
    finish(posting)
    server.on("POST", MESSAGES, Answer(502), Answer(json={"id": 43}))
    server.on("GET", MESSAGES, Answer(json={"messages": []}))
    work()
    later()
    work()
    assert ZulipPost.objects.get().message_id == 43


def test_a_refusal_is_final_and_quotes_no_key(server, posting):
    finish(posting)
    server.on("POST", MESSAGES, Answer(400, {"result": "error", "msg": f"Channel 'Rooms' does not exist {KEY}"}))
    work()
    post = ZulipPost.objects.get()
    assert post.state == "failed"
    assert "Channel 'Rooms' does not exist" in post.last_error
    assert KEY not in post.last_error


def test_one_that_was_deleted_meanwhile_is_not_posted(server, posting):
    finish(posting)
    Transcript.objects.update(deleted_at=timezone.now())
    work()
    assert server.requests == []


def test_without_zulip_it_fails_and_says_what_to_set(posting):
    finish(posting)
    work()
    assert NOT_SET in ZulipPost.objects.get().last_error


# By hand


def send(transcript, user, **query):
    wanted = {"stream": "Other", "topic": "news", "include_topics": "false"} | query
    return api_for(user).post(f"/v1/transcripts/{transcript.pk}/zulip?{urlencode(wanted)}")


def test_its_owner_posts_a_transcript_where_they_like(server, owner):
    transcript = make_transcript(owner, status="ended")
    for _ in range(2):
        answer = send(transcript, owner)
        assert (answer.status_code, answer.json()) == (200, None)
    assert send(transcript, owner, topic="more", include_topics="true").status_code == 200
    assert work() == 2
    without, with_topics = (form_of(request) for request in server.sent("POST"))
    assert (json.loads(without["to"]), without["topic"], with_topics["topic"]) == ("Other", "news", "more")
    assert "\n* 00:00" not in without["content"]
    assert "\n* 00:00" in with_topics["content"]


def test_others_do_not(server, owner, colleague):
    transcript = make_transcript(owner, status="ended", share_mode="public")
    assert send(transcript, colleague).status_code == 403
    assert send(transcript, None).status_code == 401


@pytest.mark.parametrize("wrong", [{"stream": ""}, {"topic": "x" * 61}, {"include_topics": "maybe"}])
def test_a_place_that_is_none_is_refused(server, owner, wrong):
    answer = send(make_transcript(owner, status="ended"), owner, **wrong)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", *wrong]


def test_nothing_is_posted_of_one_that_is_not_ready_and_without_zulip(owner):
    transcript = make_transcript(owner, status="processing")
    assert send(transcript, owner).json() == error("Transcript is not ready")
    Transcript.objects.update(status="ended")
    assert send(transcript, owner).json() == error("Zulip not configured")


# Channels and topics


def test_channels_and_topics_are_listed(server, owner):
    server.on("GET", STREAMS, Answer(json={"streams": [{"stream_id": 7, "name": "Rooms", "description": "x"}, {}]}))
    server.on("GET", TOPICS, Answer(json={"topics": [{"name": "standup", "max_id": 3}]}))
    api = api_for(owner)
    assert api.get("/v1/zulip/streams").json() == [{"stream_id": 7, "name": "Rooms"}]
    assert api.get("/v1/zulip/streams/7/topics").json() == [{"name": "standup"}]
    assert api.get("/v1/config").json()["zulip_enabled"] is True


def test_they_are_for_people_who_are_signed_in(server, db):
    for path in ("/v1/zulip/streams", "/v1/zulip/streams/7/topics"):
        answer = api_for().get(path)
        assert (answer.status_code, answer.json()) == (403, error("Authentication required"))


@pytest.mark.parametrize("stream", ["x", "-1", "1.5", "9" * 30])
def test_a_channel_that_is_no_number_is_refused(server, owner, stream):
    answer = api_for(owner).get(f"/v1/zulip/streams/{stream}/topics")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["path", "stream_id"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(401, {"msg": f"Invalid API key {KEY}"}), 502),
        (Answer(503), 503),
        (Answer(body=b"<html>"), 503),
        (Answer(json=[1]), 200),
        (Answer(json={"streams": "none"}), 200),
    ],
)
def test_a_server_in_trouble_is_told_without_its_words(server, owner, answer, status):
    server.on("GET", STREAMS, answer)
    told = api_for(owner).get("/v1/zulip/streams")
    assert told.status_code == status
    assert KEY not in told.content.decode()
    assert "video platform" not in told.content.decode()


def test_without_zulip_there_are_none(owner):
    assert api_for(owner).get("/v1/zulip/streams").json() == []
    assert api_for(owner).get("/v1/config").json()["zulip_enabled"] is False


# What a room is set to


def patch(owner, room, **values):
    return api_for(owner).patch(f"/v1/rooms/{room.pk}", values)


def test_a_room_is_set_to_post(server, owner, room):
    answer = patch(owner, room, zulip_auto_post=True, zulip_stream="Rooms", zulip_topic="standup")
    assert answer.status_code == 200
    assert Room.objects.get().posts_to_zulip


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"zulip_auto_post": True, "zulip_topic": "x"}, "zulip_stream", "Say where to post."),
        ({"zulip_auto_post": True, "zulip_stream": "x"}, "zulip_topic", "Say where to post."),
        ({"zulip_topic": "x" * 61}, "zulip_topic", "Zulip takes at most 60 characters."),
    ],
)
def test_what_cannot_be_posted_to_is_refused(server, owner, room, values, field, words):
    answer = patch(owner, room, **values)
    assert answer.status_code == 422
    assert (answer.json()["detail"][0]["loc"], answer.json()["detail"][0]["msg"]) == (["body", field], words)


def test_without_zulip_it_is_refused_and_what_is_stored_is_kept(owner, posting):
    answer = patch(owner, posting, zulip_topic="other")
    assert (answer.status_code, answer.json()["detail"][0]["msg"]) == (422, NOT_SET)
    same = {"zulip_auto_post": True, "zulip_stream": "Rooms & co", "zulip_topic": "standup"}
    assert patch(owner, posting, is_locked=True, **same).status_code == 200
    nothing = {"zulip_auto_post": False, "zulip_stream": "", "zulip_topic": ""}
    assert patch(owner, posting, **nothing).status_code == 200


def test_a_new_room_of_a_client_without_zulip_is_made(owner):
    values = {"name": "retro", "zulip_auto_post": False, "zulip_stream": "", "zulip_topic": ""}
    assert api_for(owner).post("/v1/rooms", values).status_code == 200
    answer = api_for(owner).post("/v1/rooms", {"name": "other", "zulip_auto_post": True})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "zulip_auto_post"])


def test_its_own_reading_takes_no_odd_answer_for_a_message(server, db):
    server.on("POST", MESSAGES, Answer(json=["odd"]))
    assert zulip.post("a", "b", "c") == 0
