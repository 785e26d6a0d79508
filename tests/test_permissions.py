"""Who may do what: every address that looks at whether somebody is of the staff, asked by every role.

Being staff alone opens nothing; the API and the pages ask for the same permissions as Admin.
"""

from functools import cache

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meetings.opening import open_meeting
from platforms.health import notices
from recordings.models import Recording, Transcript
from rooms.models import ApiKey, Invitation, Room, SignedInBrowser, WebhookDelivery
from rooms.rollout.decide import decide
from tests.conftest import api_for, make_user

ROLES = ("guest", "user", "staff", "viewer", "changer", "superuser", "owner")
MODELS = ("room", "meeting", "recording", "rollout")
PRIVATE = {
    "webhook_url": "https://hooks.example.com/unspoken-hook",
    "webhook_secret": "unspoken-secret",
    "ics_url": "https://calendar.example.com/unspoken.ics",
    "email_transcript_to": "unspoken@example.com",
    "calendar_secret": "unspoken-key",
}
SHOWN = PRIVATE.keys() - {"calendar_secret"}  # by the room itself
TO_LOGIN = 302

# Method and address -> the status for each of the roles above, in their order.
TABLE = {
    # 404: not set up here.
    "get /metrics": (404, 404, 404, 404, 404, 404, 404),
    "get /login/outside": (404, 404, 404, 404, 404, 404, 404),
    "get /login/outside/done": (404, 404, 404, 404, 404, 404, 404),
    "get /v1/platforms": (401, 200, 200, 200, 200, 200, 200),
    "get /v1/rooms/{room}": (403, 403, 403, 200, 200, 200, 200),
    "patch /v1/rooms/{room}": (401, 403, 403, 403, 200, 200, 200),
    "delete /v1/rooms/{room}": (401, 403, 403, 403, 403, 200, 200),
    "get /v1/rooms/name/standup": (200, 200, 200, 200, 200, 200, 200),
    "post /v1/rooms/standup/meeting": (200, 200, 200, 200, 200, 200, 200),
    "get /v1/rooms/standup/meetings/active": (200, 200, 200, 200, 200, 200, 200),
    "get /v1/rooms/standup/meetings/{meeting}": (200, 200, 200, 200, 200, 200, 200),
    "post /v1/rooms/standup/meetings/{meeting}/join": (200, 200, 200, 200, 200, 200, 200),
    "patch /v1/meetings/{meeting}/deactivate": (401, 403, 403, 403, 200, 200, 200),
    "get /v1/zulip/streams": (403, 200, 200, 200, 200, 200, 200),
    "get /v1/zulip/streams/7/topics": (403, 200, 200, 200, 200, 200, 200),
    # 422: whoever may ask has to say for which address.
    "post /v1/meetings/{meeting}/email-recipient": (422, 422, 422, 422, 422, 422, 422),
    # Nobody starts anything by it: the mock records by itself.
    "post /v1/meetings/{meeting}/recordings/start": (200, 200, 200, 200, 200, 200, 200),
    # What was said is for its owner, whatever somebody is.
    "get /v1/transcripts/{transcript}": (403, 403, 403, 403, 403, 403, 200),
    "patch /v1/transcripts/{transcript}": (401, 403, 403, 403, 403, 403, 200),
    "get /v1/recordings": (401, 200, 200, 200, 200, 200, 200),
    "get /v1/recordings/{recording}": (401, 403, 403, 200, 200, 200, 200),
    "post /recordings/{recording}/retry": (TO_LOGIN, 404, 404, 403, 302, 302, 302),
    # 302: without a platform, back to the room.
    "post /standup/open-instead": (TO_LOGIN, 403, 403, 403, 302, 302, 302),
    # 422: whoever may send a file has to choose one first.
    "get /transcripts/upload": (TO_LOGIN, 200, 200, 200, 200, 200, 200),
    "post /transcripts/upload": (TO_LOGIN, 422, 422, 422, 422, 422, 422),
    "get /v1/rollout": (401, 403, 403, 200, 200, 200, 403),
    "patch /v1/rollout": (401, 403, 403, 403, 200, 200, 403),
    "get /v1/rooms/{room}/webhook": (401, 403, 403, 403, 200, 200, 200),
    "post /v1/rooms/{room}/webhook/test": (401, 403, 403, 403, 200, 200, 200),
    "post /v1/rooms/{room}/webhook/rotate-secret": (401, 403, 403, 403, 200, 200, 200),
    "get /v1/rooms/{room}/webhook/deliveries": (401, 403, 403, 403, 200, 200, 200),
    "post /v1/rooms/{room}/webhook/deliveries/{delivery}/send-again": (401, 403, 403, 403, 200, 200, 200),
    # 422: who may, has to say since when.
    "post /v1/rooms/{room}/webhook/deliveries/send-again": (401, 403, 403, 403, 422, 422, 422),
    "get /v1/rooms/standup/calendar-link": (401, 403, 403, 403, 200, 200, 200),
    "post /v1/rooms/standup/calendar-link": (401, 403, 403, 403, 200, 200, 200),
    "delete /v1/rooms/standup/calendar-link": (401, 403, 403, 403, 200, 200, 200),
    # For whoever has the key, and for nobody by being somebody.
    "get /v1/rooms/standup/calendar.ics": (404, 404, 404, 404, 404, 404, 404),
    "get /v1/rooms/standup/calendar.ics?key=unspoken-key": (200, 200, 200, 200, 200, 200, 200),
    "get /rooms/standup": (TO_LOGIN, 404, 404, 404, 200, 200, 200),
    "post /rooms/standup/webhook/test": (TO_LOGIN, 404, 404, 404, 302, 302, 302),
    "post /rooms/standup/transcripts/save": (TO_LOGIN, 404, 404, 404, 302, 302, 302),
    # 422: who may, has to fill the form in first.
    "post /rooms/standup/settings/save": (TO_LOGIN, 404, 404, 404, 422, 422, 422),
    "post /rooms/standup/owners/add": (TO_LOGIN, 404, 404, 404, 422, 422, 422),
    "post /rooms/standup/owners/remove": (TO_LOGIN, 404, 404, 404, 404, 404, 404),
    "post /rooms/standup/delete/delete": (TO_LOGIN, 404, 404, 404, 404, 422, 422),
    "get /rooms/standup/meetings/{meeting}": (TO_LOGIN, 404, 404, 404, 200, 200, 200),
    # What pages follow: whoever may see them.
    "get /events/": (401, 200, 200, 200, 200, 200, 200),
    "get /events/rooms/standup": (401, 404, 404, 404, 200, 200, 200),
    "get /events/rooms/standup/meetings/{meeting}": (401, 404, 404, 404, 200, 200, 200),
    "get /events/standup/{meeting}": (200, 200, 200, 200, 200, 200, 200),
    "get /events/transcripts/{transcript}": (403, 403, 403, 403, 403, 403, 200),
    "get /rooms/standup/meetings/{meeting}/refusals": (401, 404, 404, 404, 200, 200, 200),
    "get /rooms/standup/meetings/{meeting}/consent.csv": (TO_LOGIN, 404, 404, 404, 200, 200, 200),
    "post /rooms/standup/calendar/sync": (TO_LOGIN, 404, 404, 404, 302, 302, 302),
    "get /admin/": (TO_LOGIN, TO_LOGIN, 200, 200, 200, 200, TO_LOGIN),
    "get /admin/platforms/mock/drain/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "post /admin/platforms/mock/check/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 302, TO_LOGIN),
    "post /admin/platforms/mock/register-webhook/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 302, TO_LOGIN),
    "post /admin/platforms/mock/cordon/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 302, TO_LOGIN),
    "post /admin/platforms/mock/uncordon/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 302, TO_LOGIN),
    "post /admin/rollout/roll-back/": (TO_LOGIN, TO_LOGIN, 403, 403, 302, 302, TO_LOGIN),
    "post /admin/rollout/pause/": (TO_LOGIN, TO_LOGIN, 403, 403, 302, 302, TO_LOGIN),
    "post /admin/rollout/resume/": (TO_LOGIN, TO_LOGIN, 403, 403, 302, 302, TO_LOGIN),
    # A page of one's own, whoever one is; 422: what is missing is to be filled in first.
    "get /account": (TO_LOGIN, 200, 200, 200, 200, 200, 200),
    "post /account/profile": (TO_LOGIN, 422, 422, 422, 422, 422, 422),
    # To the page, which says that the link is not right.
    "get /account/email/x": (TO_LOGIN, 302, 302, 302, 302, 302, 302),
    "get /account/password": (TO_LOGIN, 200, 200, 200, 200, 200, 200),
    "post /account/password": (TO_LOGIN, 422, 422, 422, 422, 422, 422),
    "get /account/second-factor": (TO_LOGIN, 200, 200, 200, 200, 200, 200),
    "post /account/second-factor": (TO_LOGIN, 422, 422, 422, 422, 422, 422),
    "post /account/second-factor/off": (TO_LOGIN, 422, 422, 422, 422, 422, 422),
    "post /account/second-factor/codes": (TO_LOGIN, 422, 422, 422, 422, 422, 422),
    "post /account/keys": (TO_LOGIN, 422, 422, 422, 422, 422, 422),
    "post /account/keys/{key}/revoke": (TO_LOGIN, 404, 404, 404, 404, 404, 302),
    "post /account/browsers/{browser}/sign-out": (TO_LOGIN, 404, 404, 404, 404, 404, 302),
    "post /account/browsers/sign-out-others": (TO_LOGIN, 302, 302, 302, 302, 302, 302),
    # Whoever has the link can be anybody; this one is not right, which the page says that it leads to.
    "get /account/invitation/x": (302, 302, 302, 302, 302, 302, 302),
    "get /account/invitation": (410, 410, 410, 410, 410, 410, 410),
    "post /account/invitation": (410, 410, 410, 410, 410, 410, 410),
    # Whoever has lost a password can be anybody.
    "get /account/reset": (200, 200, 200, 200, 200, 200, 200),
    "post /account/reset": (422, 422, 422, 422, 422, 422, 422),
    "get /account/reset/x/y": (200, 200, 200, 200, 200, 200, 200),
    "post /account/reset/x/y": (200, 200, 200, 200, 200, 200, 200),
    "post /account/language": (302, 302, 302, 302, 302, 302, 302),
    "get /account/language/de.js": (200, 200, 200, 200, 200, 200, 200),
    "get /login": (200, 302, 302, 302, 302, 302, 302),
    "post /login": (200, 302, 302, 302, 302, 302, 302),
    # Nobody's password was right before it.
    "get /login/code": (302, 302, 302, 302, 302, 302, 302),
    "post /login/code": (302, 302, 302, 302, 302, 302, 302),
    "get /admin/login/": (302, 403, 302, 302, 302, 302, 403),
    "get /logout": (302, 200, 200, 200, 200, 200, 200),
    "post /logout": (302, 302, 302, 302, 302, 302, 302),
    # 403: nobody of these may see any of it.
    "get /admin/background-work/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/rooms/room/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "get /admin/rooms/room/{room}/change/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "get /admin/meetings/meeting/{meeting}/change/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "get /admin/meetings/meeting/{meeting}/end/": (TO_LOGIN, TO_LOGIN, 403, 403, 200, 200, TO_LOGIN),
    "get /admin/meetings/meeting/{meeting}/host/": (TO_LOGIN, TO_LOGIN, 403, 403, 302, 302, TO_LOGIN),
    "get /admin/recordings/recording/{recording}/change/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "get /admin/recordings/recording/{recording}/link/": (TO_LOGIN, TO_LOGIN, 403, 403, 200, 200, TO_LOGIN),
    "get /admin/recordings/recording/{recording}/file/": (TO_LOGIN, TO_LOGIN, 403, 302, 302, 302, TO_LOGIN),
    "get /admin/rooms/room/{room}/history/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "get /admin/rooms/room/{room}/move/automatic/": (TO_LOGIN, TO_LOGIN, 403, 403, 200, 200, TO_LOGIN),
    "post /admin/rooms/room/{room}/move/automatic/": (TO_LOGIN, TO_LOGIN, 403, 403, 200, 200, TO_LOGIN),
    "get /admin/rooms/rollout/": (TO_LOGIN, TO_LOGIN, 403, 302, 302, 302, TO_LOGIN),
    "get /admin/rooms/rollout/1/change/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "post /admin/rooms/rollout/1/change/": (TO_LOGIN, TO_LOGIN, 403, 403, 200, 200, TO_LOGIN),
    "get /admin/rooms/rollout/1/history/": (TO_LOGIN, TO_LOGIN, 403, 302, 302, 302, TO_LOGIN),
    "get /admin/rooms/rollout/preview/": (TO_LOGIN, TO_LOGIN, 405, 405, 405, 405, TO_LOGIN),
    # 302: of nothing, back to the page.
    "post /admin/rooms/rollout/preview/": (TO_LOGIN, TO_LOGIN, 403, 403, 302, 302, TO_LOGIN),
    "get /admin/rooms/change/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "get /admin/rooms/change/{change}/change/": (TO_LOGIN, TO_LOGIN, 403, 200, 200, 200, TO_LOGIN),
    "get /admin/rooms/change/{change}/undo/": (TO_LOGIN, TO_LOGIN, 403, 403, 200, 200, TO_LOGIN),
    "post /admin/rooms/change/{change}/undo/": (TO_LOGIN, TO_LOGIN, 403, 403, 200, 200, TO_LOGIN),
    "get /admin/rooms/room/{room}/webhook-test/": (TO_LOGIN, TO_LOGIN, 405, 405, 405, 405, TO_LOGIN),
    "post /admin/rooms/room/{room}/webhook-test/": (TO_LOGIN, TO_LOGIN, 403, 403, 302, 302, TO_LOGIN),
    "post /admin/rooms/room/{room}/calendar/make-link/": (TO_LOGIN, TO_LOGIN, 403, 403, 302, 302, TO_LOGIN),
    "get /admin/rooms/invitation/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/rooms/invitation/add/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "post /admin/rooms/invitation/add/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/rooms/invitation/{invitation}/change/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    # Of what was sent to somebody nothing is changed.
    "post /admin/rooms/invitation/{invitation}/change/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 403, TO_LOGIN),
    "get /admin/rooms/webhookdelivery/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/recordings/zulippost/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/recordings/transcriptmail/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/recordings/consent/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/platforms/auditentry/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/platforms/noticemessage/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
    "get /admin/platforms/webhookevent/": (TO_LOGIN, TO_LOGIN, 403, 403, 403, 200, TO_LOGIN),
}
# The same for guests, without and with PUBLIC_MODE. 400, 422: they may, and sent nothing.
GUESTS = {
    "get /v1/rooms": (401, 200),
    "post /v1/rooms": (401, 401),
    "get /v1/transcripts": (401, 200),
    "post /v1/transcripts": (401, 422),
    "get /v1/transcripts/search?q=": (401, 200),
    "post /v1/transcripts/{everybodys}/record/upload": (401, 422),
    "post /v1/transcripts/{everybodys}/process": (401, 400),
    "post /v1/transcripts/{everybodys}/record/webrtc": (401, 422),
    "get /v1/transcripts/{everybodys}": (200, 200),
    "patch /v1/transcripts/{everybodys}": (401, 401),
    "delete /v1/transcripts/{everybodys}": (401, 401),
    "get /v1/transcripts/{everybodys}/video/url": (401, 401),
    "get /v1/transcripts/{transcript}": (403, 403),
    "get /v1/recordings": (401, 401),
    "get /v1/platforms": (401, 200),
    "get /v1/user/api-keys": (401, 401),
    "get /v1/events": (401, 401),
    "get /events/": (401, 200),
    "get /search": (TO_LOGIN, 200),
}
# Where a meeting is shown, besides its page.
MEETING_ROUTES = [key for key, statuses in TABLE.items() if "v1/rooms/standup/meeting" in key]
ROOM_ROUTES = ["get /v1/rooms", "get /v1/rooms/{room}", "get /v1/rooms/name/standup"]


@pytest.fixture
def room(owner):
    return Room.objects.create(name="standup", owner=owner, platform="mock", **PRIVATE)


@pytest.fixture
def meeting(room):
    return open_meeting(room)


@pytest.fixture
def recording(meeting):
    return Recording.objects.create(
        meeting=meeting,
        platform="mock",
        provider_recording_id="rec-1",
        state=Recording.State.FAILED,
        file=storages["recordings"].save("a.mp4", ContentFile(b"0123456789")),
    )


@pytest.fixture
def ask(owner, room, meeting, recording):
    """What a role is answered by an address of the table."""

    clients = cache(lambda role: api_for(person(role, owner)))
    change = decide({"failover_allowed": False})
    transcript = Transcript.objects.create(name="planning", source_kind="room", user=owner, recording=recording)
    everybodys = Transcript.objects.create(name="a file", source_kind="file", is_everybodys=True)
    invitation = Invitation.objects.create(email="grace@example.com", room=room)
    clients("owner")
    of_owner = {"key": ApiKey.issue(owner, "Bot")[0], "browser": SignedInBrowser.objects.get(user=owner)}

    def ask(role, key):
        told = WebhookDelivery.objects.filter(room=room).first()
        ids = {"room": room.pk, "meeting": meeting.pk, "recording": recording.pk, "delivery": told and told.event_id}
        ids |= {"change": change.pk, "transcript": transcript.pk, "everybodys": everybodys.pk}
        ids |= {"key": of_owner["key"].pk, "browser": of_owner["browser"].pk, "invitation": invitation.pk}
        method, address = key.format(**ids).split(" ")
        return getattr(clients(role), method)(address, {})

    return ask


def person(role, owner):
    match role:
        case "guest":
            return None
        case "owner":
            return owner
        case "viewer" | "changer":
            names = [f"{role.removesuffix('er').replace('chang', 'change')}_{model}" for model in MODELS]
            user = make_user(role, is_staff=True)
            user.user_permissions.set(Permission.objects.filter(codename__in=names))
            return user
    return make_user(role, is_staff=role != "user", is_superuser=role == "superuser")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", TABLE)
def test_every_role_gets_what_the_table_says(ask, role, key):
    answer = ask(role, key)
    assert answer.status_code == TABLE[key][ROLES.index(role)], answer.content
    if role in ("guest", "user", "owner") and "/admin/" in key and "/login/" not in key:
        assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("key", GUESTS)
def test_guests_get_what_the_table_says_without_and_with_public_mode(ask, settings, key):
    for settings.PUBLIC_MODE, status in zip((False, True), GUESTS[key], strict=True):
        answer = ask("guest", key)
        assert answer.status_code == status, answer.content


@pytest.mark.parametrize("role", ROLES[1:])
def test_transcripts_are_listed_for_their_owner_alone(ask, role):
    assert ask(role, "get /v1/transcripts").json()["total"] == (role == "owner")
    assert ask(role, "get /v1/transcripts/search?q=").json()["total"] == (role == "owner")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", MEETING_ROUTES)
def test_the_hosts_address_is_for_the_owner_and_for_staff_who_may_change_meetings(ask, meeting, role, key):
    told = meeting.host_room_url in ask(role, key).content.decode()
    assert told == (role in ("changer", "superuser", "owner"))


@pytest.mark.parametrize("role", ROLES)
def test_only_they_come_in_as_hosts(ask, role):
    url = ask(role, "post /v1/rooms/standup/meetings/{meeting}/join").json()["room_url"]
    assert ("host=" in url) == (role in ("changer", "superuser", "owner"))


@pytest.mark.parametrize("role", ROLES)
def test_only_they_find_the_button_that_ends_it_on_its_page(ask, role):
    page = ask(role, "get /standup/{meeting}").content.decode()
    assert ('id="end-meeting"' in page) == (role in ("changer", "superuser", "owner"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shared", [True, False])
def test_a_rooms_secrets_are_for_its_owner_and_for_staff_who_may_change_rooms(ask, role, shared):
    Room.objects.update(is_shared=shared)
    for key in ROOM_ROUTES:
        text = ask(role, key).content.decode()
        if role in ("changer", "superuser", "owner"):
            assert key == "get /v1/rooms" or all(PRIVATE[name] in text for name in SHOWN), key
        else:
            assert "unspoken" not in text, key


@pytest.mark.parametrize("role", ["user", "staff", "viewer", "changer", "superuser", "owner"])
def test_recordings_are_listed_for_the_owner_and_for_staff_who_may_view_them(ask, role):
    may_see = role in ("viewer", "changer", "superuser", "owner")
    assert ask(role, "get /v1/recordings").json()["total"] == may_see
    assert ("standup" in ask(role, "get /").content.decode()) == may_see


@pytest.mark.parametrize("role", ["staff", "viewer", "changer", "superuser"])
def test_admins_first_page_tells_no_more_than_its_lists_would(ask, role):
    notices.report("subscription:mock", "The subscription is broken.")
    page = ask(role, "get /admin/").content.decode()
    assert ("The subscription is broken." in page) == (role == "superuser")
    assert ("Where meetings open now" in page) == (role != "staff")


def test_a_permission_without_being_staff_opens_nothing(owner, room, meeting, recording):
    user = make_user("former")
    user.user_permissions.set(Permission.objects.all())
    api = api_for(user)
    assert api.get(f"/v1/rooms/{room.pk}").status_code == 403
    assert api.patch(f"/v1/meetings/{meeting.pk}/deactivate").status_code == 403
    assert api.get("/v1/recordings").json()["total"] == 0


def test_opening_asks_the_database_for_no_permission_of_owners_and_guests(owner, meeting):
    """Only staff cost a look at what they were given."""
    for user in (None, owner):
        api = api_for(user)
        with CaptureQueriesContext(connection) as asked:
            api.post("/v1/rooms/standup/meeting", {})
        assert not [query for query in asked.captured_queries if "permission" in query["sql"]]


@pytest.mark.parametrize("role", ["viewer", "changer", "superuser"])
def test_a_rooms_page_in_admin_shows_its_addresses_to_those_who_may_change_it(ask, role):
    page = ask(role, "get /admin/rooms/room/{room}/change/").content.decode()
    assert (PRIVATE["webhook_url"] in page) == (role != "viewer")
    assert "stored, not shown" in page
    assert PRIVATE["ics_url"] not in page
    assert PRIVATE["webhook_secret"] not in page
    assert (PRIVATE["email_transcript_to"] in page) == (role != "viewer")
