"""GET and POST /v1/rooms."""

import threading
from datetime import datetime

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from platforms.health import states
from rooms.models import Room
from tests.conftest import api_for, error

ROOMS = "/v1/rooms"
WHOLE_ROOM = {
    "title": "Weekly Team Meeting",
    "name": "weekly",
    "platform": "mock",
    "zulip_auto_post": True,
    "zulip_stream": "general",
    "zulip_topic": "meetings",
    "never_elsewhere": True,
    "is_locked": True,
    "room_mode": "group",
    "recording_type": "local",
    "recording_trigger": "prompt",
    "is_shared": True,
    "webhook_url": "https://hooks.example.com/in",
    "webhook_secret": "whsec",
    "webhook_participants": True,
    "ics_url": "https://calendar.example.com/a.ics",
    "ics_fetch_interval": 600,
    "ics_enabled": True,
    "ics_all_events": True,
    "skip_consent": True,
    "email_transcript_to": "team@example.com",
    "store_video": True,
}
WEBHOOK = {"webhook_url", "webhook_secret", "webhook_participants", "webhook_muted"}
ROOM_FIELDS = (WHOLE_ROOM.keys() - WEBHOOK) | {
    *("id", "user_id", "created_at", "ics_last_sync", "ics_last_etag", "platform_is_automatic", "platform_reason")
}


def names(answer):
    return [room["name"] for room in answer.json()["items"]]


class TestList:
    def test_own_and_shared_rooms_are_listed_newest_first(self, owner, colleague, room):
        Room.objects.create(name="of-others", owner=colleague)
        Room.objects.create(name="shared-by-others", owner=colleague, is_shared=True)
        answer = api_for(owner).get(ROOMS)
        assert answer.status_code == 200
        assert names(answer) == ["shared-by-others", "standup"]

    def test_a_listed_room_has_exactly_the_contracts_fields_and_the_reason_for_its_platform(self, owner, room):
        item = api_for(owner).get(ROOMS).json()["items"][0]
        assert item.keys() == ROOM_FIELDS | WEBHOOK
        assert item["user_id"] == str(owner.pk)
        assert item["id"] == str(room.pk)
        assert datetime.fromisoformat(item["created_at"]).tzinfo is not None

    def test_a_stranger_must_sign_in(self, room):
        answer = api_for().get(ROOMS)
        assert answer.status_code == 401
        assert answer.json() == error("Not authenticated")
        assert answer["WWW-Authenticate"] == "Bearer"

    def test_a_stranger_sees_shared_rooms_in_public_mode(self, settings, owner, room):
        settings.PUBLIC_MODE = True
        Room.objects.create(name="open-house", owner=owner, is_shared=True)
        assert names(api_for().get(ROOMS)) == ["open-house"]

    def test_pages_count_as_the_contract_says(self, owner):
        Room.objects.bulk_create(Room(name=f"room-{n}", owner=owner) for n in range(5))
        page = api_for(owner).get(ROOMS, {"page": 2, "size": 2}).json()
        assert (page["total"], page["page"], page["size"], page["pages"], len(page["items"])) == (5, 2, 2, 3, 2)

    def test_all_pages_together_hold_each_room_once(self, owner):
        Room.objects.bulk_create(Room(name=f"room-{n}", owner=owner) for n in range(7))
        seen = [name for page in range(1, 5) for name in names(api_for(owner).get(ROOMS, {"page": page, "size": 2}))]
        assert sorted(seen) == [f"room-{n}" for n in range(7)]

    def test_without_a_query_the_first_fifty_are_given(self, owner, room):
        page = api_for(owner).get(ROOMS).json()
        assert (page["page"], page["size"]) == (1, 50)

    @pytest.mark.parametrize("page", [2, 10**6, 10**30])
    def test_a_page_beyond_the_end_is_empty(self, owner, room, page):
        answer = api_for(owner).get(ROOMS, {"page": page})
        assert answer.status_code == 200
        assert answer.json()["items"] == []
        assert answer.json()["total"] == 1

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"page": 0}, "page"),
            ({"page": "x"}, "page"),
            ({"page": ""}, "page"),
            ({"page": "9" * 5000}, "page"),
            ({"size": 0}, "size"),
            ({"size": 101}, "size"),
            ({"size": "1\x00"}, "size"),
        ],
    )
    def test_a_bad_page_or_size_is_refused_by_name(self, owner, query, field):
        answer = api_for(owner).get(ROOMS, query)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", field]

    def test_co_owners_see_what_is_private_and_others_who_share_a_room_do_not(self, owner, colleague):
        for name, co_owners in (("run-together", [owner]), ("of-others", [])):
            room = Room.objects.create(name=name, owner=colleague, is_shared=True, webhook_secret="whsec")
            room.co_owners.set(co_owners)
        shown = {room["name"]: room["webhook_secret"] for room in api_for(owner).get(ROOMS).json()["items"]}
        assert shown == {"run-together": "whsec", "of-others": None}

    def test_who_runs_rooms_and_where_they_open_come_with_them(self, owner, colleague, django_assert_num_queries):
        Room.objects.create(name="run-together", owner=colleague).co_owners.add(owner)
        Room.objects.create(name="of-others", owner=colleague, is_shared=True)
        api = api_for(owner)
        api.get(ROOMS)
        with django_assert_num_queries(3):  # two of them say who asks
            assert len(names(api.get(ROOMS))) == 2

    def test_that_staff_cordon_a_platform_is_seen_at_once(self, owner, room):
        reasons = [self.reason(owner)]
        states.cordon(room.platform)
        reasons.append(self.reason(owner))
        states.uncordon(room.platform)
        reasons.append(self.reason(owner))
        assert ["cordon" in reason for reason in reasons] == [False, True, False]

    def reason(self, person):
        return api_for(person).get(ROOMS).json()["items"][0]["platform_reason"]

    def test_a_page_of_a_hundred_rooms_costs_as_many_queries_as_one_of_one(self, owner, room):
        api = api_for(owner)
        Room.objects.update(webhook_url="https://a.example")
        api.get(ROOMS)  # that secrets were read is kept once
        with CaptureQueriesContext(connection) as for_one:
            api.get(ROOMS)
        Room.objects.bulk_create(
            Room(name=f"room-{n}", owner=owner, webhook_url="https://a.example") for n in range(99)
        )
        with CaptureQueriesContext(connection) as for_hundred:
            assert len(names(api.get(ROOMS, {"size": 100}))) == 100
        assert len(for_hundred) == len(for_one)

    def test_another_method_is_405(self, owner):
        for api in (api_for(owner), api_for()):
            answer = api.put(ROOMS, {})
            assert answer.status_code == 405
            assert "detail" in answer.json()


class TestCreate:
    def test_a_room_is_made_with_every_field_that_was_sent(self, owner, zulip):
        answer = api_for(owner).post(ROOMS, WHOLE_ROOM)
        assert answer.status_code == 200
        assert answer.json().keys() == ROOM_FIELDS
        assert {name: answer.json()[name] for name in WHOLE_ROOM.keys() & ROOM_FIELDS}.items() <= WHOLE_ROOM.items()
        room = Room.objects.get(pk=answer.json()["id"])
        assert room.owner == owner
        assert {name: getattr(room, name) for name in WHOLE_ROOM} == WHOLE_ROOM

    def test_a_name_is_enough(self, owner):
        answer = api_for(owner).post(ROOMS, {"name": "weekly"})
        assert answer.status_code == 200
        assert answer.json()["recording_trigger"] == "automatic-2nd-participant"
        assert answer.json()["ics_fetch_interval"] == 300

    def test_what_the_single_page_app_sends_for_a_plain_room_is_taken(self, owner):
        body = WHOLE_ROOM | {"webhook_url": "", "webhook_secret": "", "ics_url": "", "ics_fetch_interval": 5}
        answer = api_for(owner).post(ROOMS, body | {"zulip_auto_post": False, "zulip_stream": "", "zulip_topic": ""})
        assert answer.status_code == 200
        assert answer.json()["ics_fetch_interval"] == 5  # as it was sent; see rooms.calendar.sync.interval_seconds

    def test_fields_that_do_not_exist_are_ignored(self, owner, colleague):
        body = {"name": "weekly", "user_id": str(colleague.pk), "id": "x", "created_at": "x", "nonsense": {"a": [1]}}
        answer = api_for(owner).post(ROOMS, body)
        assert answer.status_code == 200
        assert answer.json()["user_id"] == str(owner.pk)

    def test_a_webhook_address_gets_a_secret_of_its_own(self, owner):
        pk = api_for(owner).post(ROOMS, {"name": "weekly", "webhook_url": "https://hooks.example.com/in"}).json()["id"]
        assert len(Room.objects.get(pk=pk).webhook_secret or "") > 30

    @pytest.mark.parametrize("body", [{"platform": None}, {}])
    def test_without_a_platform_the_room_is_automatic_and_says_what_it_opens_on(self, owner, body):
        answer = api_for(owner).post(ROOMS, {"name": "weekly", **body}).json()
        assert answer["platform_is_automatic"] is True
        assert answer["platform"] == "mock"
        assert "So it opens on Mock instead." in answer["platform_reason"]

    def test_a_platform_that_is_not_configured_is_shown_as_what_opens_instead(self, owner):
        answer = api_for(owner).post(ROOMS, {"name": "weekly", "platform": "daily"}).json()
        assert answer["platform"] == "mock"
        assert answer["platform_is_automatic"] is False
        assert "DAILY_MIGRATION_ENABLED" in answer["platform_reason"]

    @pytest.mark.parametrize(
        ("setting", "automatic"), [("always", set()), ("unless-default", {"whereby"}), ("never", {"whereby", "mock"})]
    )
    def test_whether_a_platform_that_is_named_counts_is_a_setting(self, owner, settings, setting, automatic):
        """An existing program names one for every room that it makes; the default is what nobody chose."""
        assert settings.DEFAULT_VIDEO_PLATFORM == "whereby"
        settings.CLIENT_ROOM_PLATFORM = setting
        for platform in ("whereby", "mock"):
            answer = api_for(owner).post(ROOMS, {"name": f"on-{platform}", "platform": platform}).json()
            assert answer["platform_is_automatic"] is (platform in automatic)

    def test_by_default_a_room_that_names_the_default_platform_follows_the_rollout(self, owner, settings):
        answer = api_for(owner).post(ROOMS, {"name": "weekly", "platform": "whereby"}).json()
        assert answer["platform_is_automatic"] is True

    def test_where_nothing_is_configured_the_chosen_platform_is_named_with_what_is_missing(self, settings, owner):
        settings.VIDEO_PLATFORMS = {
            name: block for name, block in settings.VIDEO_PLATFORMS.items() if name in {"whereby", "daily"}
        }
        api = api_for(owner)
        chosen = api.post(ROOMS, {"name": "chosen", "platform": "daily"}).json()
        automatic = api.post(ROOMS, {"name": "automatic"}).json()
        assert (chosen["platform"], automatic["platform"]) == ("daily", "whereby")
        assert "WHEREBY_API_KEY" in automatic["platform_reason"]

    def test_a_stranger_must_sign_in_also_in_public_mode(self, settings):
        settings.PUBLIC_MODE = True
        answer = api_for().post(ROOMS, {"name": "weekly"})
        assert (answer.status_code, answer.json()) == (401, error("Not authenticated"))

    def test_a_name_that_is_taken_is_400(self, colleague, room):
        answer = api_for(colleague).post(ROOMS, {"name": room.name})
        assert answer.status_code == 400
        assert answer.json() == error("Room name is not unique")

    @pytest.mark.parametrize(
        "name",
        ["", " ", "a b", "-a", "a-", "a/b", "ünder", "a\n", "a" * 101, "admin", "V1", "rooms", "name", None, 7, ["a"]],
    )
    def test_a_name_that_does_not_fit_a_url_or_is_reserved_is_refused_by_name(self, owner, name):
        answer = api_for(owner).post(ROOMS, {"name": name})
        assert answer.status_code == 422
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", "name"]] * len(
            answer.json()["detail"]
        )
        assert not Room.objects.exists()

    def test_a_missing_name_is_of_type_missing(self, owner):
        problem = api_for(owner).post(ROOMS, {}).json()["detail"][0]
        assert (problem["loc"], problem["type"]) == (["body", "name"], "missing")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("platform", "nonsense"),
            ("platform", ""),
            ("platform", ["mock"]),
            ("room_mode", "huge"),
            ("room_mode", None),
            ("recording_type", "tape"),
            ("recording_trigger", {"a": 1}),
            ("is_locked", "perhaps"),
            ("is_shared", None),
            ("ics_fetch_interval", 0),
            ("ics_fetch_interval", 10**18),
            ("ics_fetch_interval", 1e308),
            ("ics_url", "not an address"),
            ("ics_url", "ftp://example.com/a.ics"),
            ("webhook_url", "javascript:alert(1)"),
            ("webhook_url", "http://127.0.0.1/hook"),
            ("webhook_url", "http://169.254.169.254/latest/meta-data"),
            ("webhook_url", "https://" + "a" * 2000 + ".com"),
            ("webhook_secret", "s" * 201),
            ("zulip_stream", "s" * 101),
            ("email_transcript_to", "e" * 1001),
        ],
    )
    def test_a_bad_value_is_refused_by_name(self, owner, field, value):
        answer = api_for(owner).post(ROOMS, {"name": "weekly", field: value})
        assert answer.status_code == 422
        assert {tuple(problem["loc"]) for problem in answer.json()["detail"]} == {("body", field)}

    def test_a_private_address_is_taken_where_it_is_an_allowed_exception(self, settings, owner):
        settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:9000"]
        body = {"name": "weekly", "webhook_url": "http://127.0.0.1:9000/hook"}
        assert api_for(owner).post(ROOMS, body).status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_of_two_people_who_take_a_name_at_once_one_is_told(self, owner):
        together = threading.Barrier(2)
        statuses = []

        def create():
            api = api_for(owner)
            together.wait()
            statuses.append(api.post(ROOMS, {"name": "weekly"}).status_code)
            connections.close_all()

        threads = [threading.Thread(target=create) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 400]
