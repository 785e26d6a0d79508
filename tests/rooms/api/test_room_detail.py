"""GET, PATCH and DELETE /v1/rooms/{room_id}."""

import uuid

import pytest
from django.contrib.auth.models import Permission

from rooms.models import Room
from tests.conftest import api_for, error, make_user

HOOK = "https://hooks.example.com/in"
BAD_IDS = ["x", "standup", "0" * 32 + "0", str(uuid.uuid4()) + "x", "%00", "%F0%9F%98%80", "a" * 2000]


def path(room):
    return f"/v1/rooms/{room.pk}"


@pytest.fixture
def assistant(db):
    """Of the staff, and given nothing."""
    return make_user("assistant", is_staff=True)


class TestGet:
    def test_the_owner_sees_the_room_with_its_secrets(self, owner, room):
        Room.objects.filter(pk=room.pk).update(webhook_url=HOOK, webhook_secret="whsec")
        answer = api_for(owner).get(path(room))
        assert answer.status_code == 200
        assert (answer.json()["webhook_url"], answer.json()["webhook_secret"]) == (HOOK, "whsec")

    def test_staff_who_may_look_see_it_without_its_secrets_and_others_do_not(self, assistant, room):
        Room.objects.update(webhook_url=HOOK, webhook_secret="whsec")
        assert api_for(assistant).get(path(room)).status_code == 403
        assistant.user_permissions.add(Permission.objects.get(codename="view_room"))
        answer = api_for(assistant).get(path(room))
        assert answer.status_code == 200
        assert (answer.json()["webhook_url"], answer.json()["webhook_secret"]) == (None, None)

    def test_others_see_it_only_while_it_is_shared(self, colleague, room):
        for api in (api_for(colleague), api_for()):
            answer = api.get(path(room))
            assert (answer.status_code, answer.json()) == (403, error("Room access denied"))
        Room.objects.update(is_shared=True)
        for api in (api_for(colleague), api_for()):
            assert api.get(path(room)).status_code == 200

    @pytest.mark.parametrize("room_id", [str(uuid.uuid4()), *BAD_IDS])
    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_an_unknown_or_impossible_id_is_404(self, owner, room_id, method):
        answer = getattr(api_for(owner), method)(f"/v1/rooms/{room_id}")
        assert (answer.status_code, answer.json()) == (404, error("Room not found"))

    def test_another_method_is_405(self, owner, room):
        for api in (api_for(owner), api_for()):
            assert api.put(path(room), {}).status_code == 405
            assert api.post(path(room), {}).json().keys() == {"detail", "code"}


class TestPatch:
    def test_only_the_fields_that_are_sent_change(self, owner, room, zulip):
        answer = api_for(owner).patch(path(room), {"is_locked": True, "zulip_topic": "x"})
        assert answer.status_code == 200
        assert (answer.json()["is_locked"], answer.json()["zulip_topic"]) == (True, "x")
        assert (answer.json()["name"], answer.json()["platform"]) == ("standup", "mock")
        room.refresh_from_db()
        assert room.is_locked is True

    def test_null_changes_nothing_where_a_field_cannot_be_null(self, owner, room):
        before = api_for(owner).get(path(room)).json()
        nothing = dict.fromkeys(["name", "is_locked", "room_mode", "recording_type", "zulip_stream", "webhook_muted"])
        answer = api_for(owner).patch(path(room), nothing)
        assert (answer.status_code, answer.json()) == (200, before)

    def test_null_makes_the_room_automatic(self, owner, room):
        answer = api_for(owner).patch(path(room), {"platform": None})
        assert answer.json()["platform_is_automatic"] is True
        room.refresh_from_db()
        assert room.platform == ""

    def test_a_platform_is_chosen_by_its_alias(self, owner, room):
        Room.objects.update(platform="daily")
        answer = api_for(owner).patch(path(room), {"platform": "mock"}).json()
        assert (answer["platform"], answer["platform_is_automatic"]) == ("mock", False)
        assert answer["platform_reason"] == "Chosen for this room."

    def test_what_a_program_read_and_sends_back_leaves_an_automatic_room_automatic(self, owner, room):
        """The single-page app sends the whole room with each change."""
        Room.objects.update(platform="")
        read = api_for(owner).get(path(room)).json()
        assert read["platform"] == "mock"
        answer = api_for(owner).patch(path(room), {**read, "is_locked": True}).json()
        assert (answer["is_locked"], answer["platform"], answer["platform_is_automatic"]) == (True, "mock", True)
        room.refresh_from_db()
        assert room.platform == ""

    def test_another_platform_than_was_shown_is_a_choice(self, owner, room):
        Room.objects.update(platform="")
        answer = api_for(owner).patch(path(room), {"platform": "whereby"}).json()
        assert answer["platform_is_automatic"] is False
        room.refresh_from_db()
        assert room.platform == "whereby"

    def test_a_choice_that_is_sent_back_stays_one(self, owner, room):
        assert api_for(owner).patch(path(room), {"platform": "mock"}).json()["platform_is_automatic"] is False

    def test_the_rooms_own_name_may_be_sent_again(self, owner, room):
        assert api_for(owner).patch(path(room), {"name": room.name}).status_code == 200

    def test_a_name_that_is_taken_is_400_and_nothing_changes(self, owner, room):
        Room.objects.create(name="taken", owner=owner)
        answer = api_for(owner).patch(path(room), {"name": "taken", "is_locked": True})
        assert (answer.status_code, answer.json()) == (400, error("Room name is not unique"))
        room.refresh_from_db()
        assert (room.name, room.is_locked) == ("standup", False)

    def test_strangers_and_colleagues_and_staff_without_the_permission_may_not(self, colleague, assistant, room):
        Room.objects.update(is_shared=True)
        answer = api_for().patch(path(room), {"is_locked": True})
        assert (answer.status_code, answer.json()) == (401, error("Not authenticated"))
        for person in (colleague, assistant):
            answer = api_for(person).patch(path(room), {"is_locked": True})
            assert (answer.status_code, answer.json()) == (403, error("Not authorized"))
        room.refresh_from_db()
        assert room.is_locked is False

    def test_staff_with_the_permission_may(self, assistant, room):
        assistant.user_permissions.add(Permission.objects.get(codename="change_room"))
        assert api_for(assistant).patch(path(room), {"is_locked": True}).status_code == 200
        assert api_for(assistant).delete(path(room)).status_code == 403

    def test_a_permission_without_being_staff_is_not_enough(self, colleague, room):
        colleague.user_permissions.add(Permission.objects.get(codename="change_room"))
        assert api_for(colleague).patch(path(room), {"is_locked": True}).status_code == 403

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "admin"),
            ("platform", "nowhere"),
            ("ics_url", "http://10.0.0.1"),
        ],
    )
    def test_a_bad_value_is_refused_by_name(self, owner, room, field, value):
        answer = api_for(owner).patch(path(room), {field: value})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", field]

    def test_no_body_is_refused(self, owner, room):
        answer = api_for(owner).patch(path(room))
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body"]


class TestWebhookSecret:
    @pytest.fixture
    def room(self, owner):
        return Room.objects.create(name="standup", owner=owner, webhook_url=HOOK, webhook_secret="stored")

    @pytest.mark.parametrize(
        "body",
        [
            {"webhook_url": HOOK},
            {"webhook_url": "https://other.example.com/"},
            {"webhook_url": HOOK, "webhook_secret": ""},
            {"webhook_secret": None},
            {"webhook_url": ""},
            {"name": "renamed"},
        ],
    )
    def test_a_stored_secret_is_not_replaced_unasked(self, owner, room, body):
        answer = api_for(owner).patch(path(room), body)
        assert answer.status_code == 200
        assert answer.json()["webhook_secret"] == "stored"

    def test_a_secret_that_is_sent_replaces_it(self, owner, room):
        assert api_for(owner).patch(path(room), {"webhook_secret": " new "}).json()["webhook_secret"] == " new "

    def test_address_and_secret_can_be_removed_together(self, owner, room):
        answer = api_for(owner).patch(path(room), {"webhook_url": None, "webhook_secret": None}).json()
        assert (answer["webhook_url"], answer["webhook_secret"]) == (None, None)

    def test_the_first_address_gets_a_secret(self, owner, room):
        Room.objects.update(webhook_url=None, webhook_secret=None)
        answer = api_for(owner).patch(path(room), {"webhook_url": HOOK}).json()
        room.refresh_from_db()
        assert answer["webhook_secret"] == room.webhook_secret
        assert len(room.webhook_secret) > 30


class TestDelete:
    def test_the_owner_deletes_it(self, owner, room):
        answer = api_for(owner).delete(path(room))
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert not Room.objects.exists()

    def test_strangers_and_colleagues_and_staff_without_the_permission_may_not(self, colleague, assistant, room):
        assert api_for().delete(path(room)).status_code == 401
        for person in (colleague, assistant):
            answer = api_for(person).delete(path(room))
            assert (answer.status_code, answer.json()) == (403, error("Not authorized"))
        assert Room.objects.exists()

    def test_staff_with_the_permission_may(self, assistant, room):
        assistant.user_permissions.add(Permission.objects.get(codename="delete_room"))
        assert api_for(assistant).delete(path(room)).status_code == 200
