"""The first page of Admin: what it shows of platforms and of the rollout, its buttons, and who may use them."""

import copy
import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.staff import charts
from meetings.models import Meeting
from platforms.handler import get_available_platforms
from platforms.health import figures, notices, states, watchdog
from platforms.health.figures import Tally
from platforms.models import PlatformFigures, PlatformState, WebhookEvent
from recordings.models import Recording
from rooms.models import Change, Room
from rooms.platform_change import select_or_refusal
from rooms.rollout import picture
from rooms.rollout.decide import decide
from rooms.selection import current_policy
from tests.conftest import make_user
from tests.support.stub_provider import Answer, StubProvider
from tests.support.webhook_provider import SECRET, WebhookProvider
from tests.support.whereby_provider import whereby_stub

pytestmark = pytest.mark.django_db

PAGE = "/admin/"


def signed_in(*permissions, name="operator", **fields):
    user = make_user(name, is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(db):
    return signed_in("operate", "change_rollout", "view_staffnotice", "view_meeting", "view_recording")


@pytest.fixture
def looker(db):
    return signed_in("view_platformstate", name="looker")


def cards_of(client):
    return {card.name: card for card in client.get(PAGE).context["cards"]}


def text_of(client, path=PAGE):
    return " ".join(client.get(path).content.decode().split())


def make_meeting(room, **fields):
    at = timezone.now()
    values = {
        "room": room,
        "room_label": room.name,
        "platform": "mock",
        "room_url": "https://x.example",
        "state": "live",
    }
    return Meeting.objects.create(**values | {"end_date": at + timedelta(hours=1), "slot": uuid.uuid4().hex} | fields)


# What it shows


def test_there_is_a_card_for_each_platform_which_says_what_is_missing(operator):
    cards = cards_of(operator)
    assert list(cards) == get_available_platforms()
    assert cards["mock"].badge == ("Usable", "good")
    assert cards["daily"].badge[0] == "Not set up"
    assert "Daily is not configured: set DAILY_API_KEY." in text_of(operator)


def test_a_card_counts_meetings_recordings_and_events_of_its_platform(operator, room):
    make_meeting(room)
    make_meeting(room)
    make_meeting(room, state="ended")
    for state in ("reported", "processing", "failed", "unmatched", "unmatched", "done"):
        Recording.objects.create(platform="mock", state=state, provider_recording_id=uuid.uuid4().hex)
    at = timezone.now() - timedelta(minutes=2)
    WebhookEvent.objects.create(id=uuid.uuid4(), platform="mock", body=b"{}", received_at=at)
    card = cards_of(operator)["mock"]
    assert card.live == 2
    assert (card.recordings.waiting, card.recordings.failed, card.recordings.unmatched) == (2, 1, 2)
    assert (card.oldest_event_at, card.is_behind) == (at, False)


def test_events_that_wait_for_long_are_a_problem_with_a_remedy(operator):
    at = timezone.now() - timedelta(minutes=20)
    WebhookEvent.objects.create(id=uuid.uuid4(), platform="mock", body=b"{}", received_at=at)
    assert "see whether the workers run (-Q quick)" in text_of(operator)
    assert cards_of(operator)["mock"].badge == ("Has trouble", "warn")


def test_a_card_shows_calls_of_the_last_hour_and_day(operator):
    hour, earlier = Tally(), Tally()
    for tally, calls, failures in ((hour, 20, 5), (earlier, 100, 0)):
        tally.calls, tally.failures, tally.opened, tally.not_opened = calls, failures, 7, 1
        tally.durations[figures.place_of(90)] = calls
    for tally, ago in ((hour, timedelta(minutes=20)), (earlier, timedelta(hours=5))):
        since = figures._floor(timezone.now() - ago, figures.BUCKET)
        PlatformFigures.objects.create(platform="mock", since=since, **vars(tally))
    last_hour, last_day = cards_of(operator)["mock"].spans
    assert (last_hour.total.calls, last_hour.failed_percent) == (20, 25)
    assert (last_day.total.calls, last_day.total.opened, last_day.total.not_opened) == (120, 14, 2)
    assert 75 <= last_hour.slow <= 100
    text = text_of(operator)
    assert 'aria-label="Last hour: 20 calls, of which 5 failed"' in text
    assert text.count('class="failures"') == 2  # once in each chart


def test_a_chart_breaks_off_where_there_were_no_calls():
    called, idle = Tally(calls=1), Tally()
    called.durations[3] = 1
    chart = charts.time_chart([(timezone.now(), tally) for tally in (called, called, idle, called)], "Last hour")
    assert chart.slow.count("M") == 2
    assert charts.time_chart([(timezone.now(), idle)], "Last hour").title == "Last hour: no calls"
    assert len(charts.call_chart([(timezone.now(), tally) for tally in (called, idle)], "Last hour").bars) == 1


def test_what_is_known_to_be_wrong_with_a_platform_stands_on_its_card_and_the_rest_above(operator):
    notices.report("webhook:mock", "The webhook of Mock is not as it should be.")
    notices.report("disk", "The <disk> is full.")
    response = operator.get(PAGE)
    assert [(notice.key, address) for notice, address in response.context["notices"]] == [("disk", "")]
    assert "The &lt;disk&gt; is full." in response.content.decode()
    assert "The webhook of Mock is not as it should be." in cards_of(operator)["mock"].problems


def test_a_notice_leads_to_the_work_that_it_is_about(admin_client):
    event = WebhookEvent.objects.create(id=uuid.uuid4(), platform="mock", type="t", body=b"{}", attempts=5)
    WebhookEvent.objects.update(last_error="ValueError: odd")
    Recording.objects.create().erasures.create(location="provider", state="failed", finished_at=timezone.now())
    watchdog.watch()
    notices.report("late:long", "Work of the queue has waited.")
    markup = admin_client.get(PAGE).content.decode()
    addresses = dict(re.findall(r'<li class="warning"><a href="([^"]*)">(.{11})', markup))
    work = reverse("background_work")
    assert {unescape(address): text for address, text in addresses.items()} == {
        f"{work}?kind=platforms.webhookevent&state=waiting": "Tried 5 tim",
        f"{work}?kind=recordings.erasure&state=failed": "Failed for ",
        f"{work}?state=open": "Work of the",
    }
    assert str(event).strip() in text_of(admin_client, f"{work}?kind=platforms.webhookevent&state=waiting")


def test_who_may_not_see_the_work_is_led_nowhere(operator):
    notices.report("in-vain:platforms.WebhookEvent", "Tried in vain.")
    notices.report("late:quick", "Work has waited.")
    assert [address for _, address in operator.get(PAGE).context["notices"]] == ["", ""]


def test_a_platform_that_does_not_answer_says_so(operator):
    states.make_row("mock")
    PlatformState.objects.update(open_since=timezone.now(), failing_since=timezone.now(), probe_at=timezone.now())
    card = cards_of(operator)["mock"]
    assert card.badge == ("Does not answer", "bad")
    assert "Mock has not answered since" in text_of(operator)


def test_the_picture_says_where_rooms_open(owner, operator):
    for number in range(30):
        Room.objects.create(name=f"chosen-{number}", owner=owner, platform="mock")
    for number in range(10):
        Room.objects.create(name=f"automatic-{number}", owner=owner)
    [share] = operator.get(PAGE).context["shares"]  # nothing else is set up here
    assert (share.platform, share.automatic, share.chosen, share.percent) == ("mock", 10, 30, 100)
    assert "(10 automatic, 30 that chose it or one that it stands in for)" in text_of(operator)


@pytest.mark.parametrize(("percentage", "listed", "statements"), [(40, 0, 3), (0, 0, 2), (0, 7, 3)])
def test_the_picture_agrees_with_what_each_room_opens_on(
    owner, settings, percentage, listed, statements, django_assert_num_queries
):
    """Where no rule tells automatic rooms apart, they are counted by the database."""
    configure(settings, "whereby", api_key="key")
    configure(settings, "daily", api_key="key")
    for number in range(60):
        platform = ["", "", "daily", "mock"][number % 4]
        Room.objects.create(name=f"room-{number}", owner=owner, platform=platform, never_elsewhere=not number % 3)
    rooms = frozenset(Room.objects.filter(platform="").values_list("pk", flat=True)[:listed])
    decide(
        {
            "switched_on": True,
            "target_platform": "daily",
            "default_platform": "whereby",
            "percentage": percentage,
            "listed_rooms": rooms,
        }
    )
    policy = current_policy()
    opens_on = [select_or_refusal(room, policy).platform for room in Room.objects.all()]
    with django_assert_num_queries(statements):
        shares, is_of_all = picture.spread(policy)
    assert is_of_all
    assert {share.platform: share.rooms for share in shares} == {name: opens_on.count(name) for name in set(opens_on)}
    assert shares[-1].from_percent + shares[-1].percent == pytest.approx(100)


def test_of_many_rooms_some_are_looked_at_and_the_page_says_so(owner, operator, monkeypatch):
    for number in range(30):
        Room.objects.create(name=f"chosen-{number}", owner=owner, platform=["mock", ""][number % 2])
    monkeypatch.setattr(picture, "LOOKED_AT", 20)
    answer = operator.get(PAGE)
    [share] = answer.context["shares"]
    assert (share.rooms, share.percent) == (20, 100)
    assert "There are more rooms than 20: so many were looked at, taken by chance." in answer.content.decode()
    monkeypatch.setattr(picture, "LOOKED_AT", 30)
    assert "There are more rooms than" not in operator.get(PAGE).content.decode()


def configure(settings, name, **options):
    platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
    platforms[name]["OPTIONS"] |= options
    settings.VIDEO_PLATFORMS = platforms


def test_the_page_asks_the_same_of_the_database_however_much_there_is(operator, owner, room):
    def number():
        operator.get(PAGE)
        with CaptureQueriesContext(connection) as asked:
            operator.get(PAGE)
        return len(asked)

    few = number()
    for index in range(40):
        make_meeting(Room.objects.create(name=f"room-{index}", owner=owner))
        Recording.objects.create(platform="mock", state="failed", provider_recording_id=f"r{index}")
        WebhookEvent.objects.create(id=uuid.uuid4(), platform="mock", body=b"{}")
        PlatformFigures.objects.create(
            platform="mock", since=timezone.now() - timedelta(minutes=5 * index), calls=1, durations=[1] + [0] * 18
        )
    assert number() == few
    assert few <= 22


def test_asked_for_quietly_it_is_the_part_that_changes_and_uses_up_no_message(operator):
    operator.post("/admin/platforms/mock/cordon/")
    part = operator.get(PAGE, headers={"X-Quiet": "1"}).content.decode()
    assert "<html" not in part
    assert 'class="cards"' in part
    assert "is cordoned: no new meeting opens there" in text_of(operator)


# Who may


def test_staff_without_any_permission_see_nothing():
    text = text_of(signed_in())
    assert "You may see nothing here" in text
    assert "Mock" not in text


@pytest.mark.parametrize("permission", ["view_platformstate", "view_room", "operate"])
def test_staff_with_one_of_these_see_the_platforms(permission):
    assert "mock" in cards_of(signed_in(permission))


def test_notices_are_for_those_who_may_see_them(looker):
    notices.report("webhook:mock", "The webhook of Mock is not as it should be.")
    assert "not as it should be" not in text_of(looker)
    assert "not as it should be" in text_of(signed_in("view_staffnotice"))


BUTTONS = [
    *(f"/admin/platforms/mock/{action}/" for action in ("check", "register-webhook", "cordon", "uncordon")),
    *(f"/admin/rollout/{action}/" for action in ("roll-back", "pause", "resume")),
]


@pytest.mark.parametrize("address", BUTTONS)
def test_who_may_not_finds_no_button_and_changes_nothing(looker, address):
    assert f'action="{address}"' not in looker.get(PAGE).content.decode()
    assert looker.post(address).status_code == 403
    assert not PlatformState.objects.exclude(cordoned_at=None).exists()
    assert not Change.objects.exists()


@pytest.mark.parametrize("address", BUTTONS)
def test_nothing_is_done_by_looking(operator, address):
    assert operator.get(address).status_code == 405


@pytest.mark.parametrize("action", ["check", "register-webhook", "cordon", "uncordon"])
def test_there_is_nothing_to_do_with_a_platform_that_there_is_not(operator, action):
    assert operator.post(f"/admin/platforms/zoom/{action}/").status_code == 404
    assert operator.get("/admin/platforms/zoom/drain/").status_code == 404


# Buttons


def test_a_platform_is_cordoned_with_a_reason_and_uncordoned(operator, room):
    make_meeting(room)
    operator.post("/admin/platforms/mock/cordon/", {"reason": " It loses recordings. "})
    state = PlatformState.objects.get(pk="mock")
    assert (state.cordoned_by.username, state.cordon_reason) == ("operator", "It loses recordings.")
    text = text_of(operator)
    assert "Mock is cordoned: no new meeting opens there. 1 meeting left on it." in text
    assert "is cordoned by operator: It loses recordings." in text
    assert cards_of(operator)["mock"].badge == ("Cordoned", "warn")
    operator.post("/admin/platforms/mock/uncordon/")
    assert PlatformState.objects.get(pk="mock").cordoned_at is None
    assert cards_of(operator)["mock"].badge == ("Usable", "good")


def test_a_reason_that_is_too_long_changes_nothing_and_says_so(operator):
    operator.post("/admin/platforms/mock/cordon/", {"reason": "x" * 501})
    assert "The reason is too long: 500 characters at most." in text_of(operator)
    assert not PlatformState.objects.exclude(cordoned_at=None).exists()


def test_a_reason_may_hold_anything(operator):
    operator.post("/admin/platforms/mock/cordon/", {"reason": "a\x00<b>"})
    assert "a&lt;b&gt;" in text_of(operator)


def test_drain_says_how_many_meetings_are_left_and_which(operator, room):
    meeting = make_meeting(room, num_clients=3)
    text = text_of(operator, "/admin/platforms/mock/drain/")
    assert "It is not cordoned" in text
    operator.post("/admin/platforms/mock/cordon/")
    text = text_of(operator, "/admin/platforms/mock/drain/")
    assert '<span class="large-number">1</span> meeting left on Mock' in text
    assert f"/admin/meetings/meeting/{meeting.pk}/change/" in text
    Meeting.objects.update(state="ended")
    part = operator.get("/admin/platforms/mock/drain/", headers={"X-Quiet": "1"}).content.decode()
    assert "Nothing runs there any more: it is drained." in part
    assert "<html" not in part


def test_whoever_may_not_see_meetings_learns_their_number_only(looker, room):
    make_meeting(room)
    text = text_of(looker, "/admin/platforms/mock/drain/")
    assert '<span class="large-number">1</span>' in text
    assert room.name not in text


def test_credentials_are_tried_at_once(operator, settings):
    with whereby_stub() as stub:
        configure(settings, "whereby", api_url=stub.url, api_key="key")
        operator.post("/admin/platforms/whereby/check/")
        assert len(stub.requests) == 1
    assert "Whereby was asked, and takes its credentials." in text_of(operator)
    card = cards_of(operator)["whereby"]
    assert card.standing.state.checked_at is not None
    assert card.badge == ("Usable", "good")


def test_credentials_that_are_refused_are_a_problem_on_the_card(operator, settings):
    with StubProvider() as stub:
        stub.on("GET", "/meetings", Answer(status=401, body=b'{"error": "no"}'))
        configure(settings, "whereby", api_url=stub.url, api_key="wrong")
        operator.post("/admin/platforms/whereby/check/")
    assert cards_of(operator)["whereby"].badge == ("Refuses the credentials", "bad")
    assert "Its credentials were refused" in text_of(operator)


def test_a_platform_that_is_not_set_up_cannot_be_checked(operator):
    operator.post("/admin/platforms/daily/check/")
    assert "Daily is not configured: set DAILY_API_KEY." in text_of(operator)


def test_a_webhook_is_registered(operator, settings):
    settings.PUBLIC_URL = "https://rooms.example.com"
    with StubProvider() as stub:
        stub.on("POST", "/v1/daily/webhook", Answer())  # where it tries the address out
        provider = WebhookProvider(stub, settings, server=stub.url)
        provider.configure(SECRET)
        assert "/admin/platforms/daily/register-webhook/" in text_of(operator)
        notices.report("webhook:daily", "No webhook of Daily points at this server.")
        operator.post("/admin/platforms/daily/register-webhook/")
        [webhook] = provider.webhooks.values()
    assert webhook["url"] == "https://rooms.example.com/v1/daily/webhook"
    assert "Daily sends its events to https://rooms.example.com/v1/daily/webhook" in text_of(operator)
    assert cards_of(operator)["daily"].notices == []


def test_a_webhook_that_the_provider_cannot_try_out_is_explained(operator, settings):
    settings.PUBLIC_URL = "https://rooms.example.com"
    with StubProvider() as stub:
        provider = WebhookProvider(stub, settings)
        provider.configure(SECRET)
        operator.post("/admin/platforms/daily/register-webhook/")
        assert provider.webhooks == {}
    text = "https://rooms.example.com/v1/daily/webhook must be reachable from outside and answer 200 at once."
    assert text in text_of(operator)


def test_a_webhook_is_not_registered_where_no_provider_could_reach_it(operator, settings):
    with StubProvider() as stub:
        provider = WebhookProvider(stub, settings)
        provider.configure(SECRET)
        operator.post("/admin/platforms/daily/register-webhook/")
        assert provider.webhooks == {}
    assert "set PUBLIC_URL to one" in text_of(operator)


def test_a_platform_without_calls_for_it_registers_nothing(operator):
    operator.post("/admin/platforms/mock/register-webhook/")
    assert 'class="error"' in text_of(operator)


def test_the_rollout_is_rolled_back_by_one_confirmation(operator):
    decide({"switched_on": True, "percentage": 50, "target_platform": "mock"})
    assert 'action="/admin/rollout/roll-back/"' in text_of(operator)
    operator.post("/admin/rollout/roll-back/")
    assert not current_policy().switched_on
    change = Change.objects.latest("at")
    assert change.by.username == "operator"
    text = text_of(operator)
    assert "Rolled back." in text
    assert change.summary in text
    assert 'action="/admin/rollout/roll-back/"' not in text
    operator.post("/admin/rollout/roll-back/")
    assert "It was rolled back already: nothing was changed." in text_of(operator)
    assert Change.objects.count() == 2


PLAN = {
    "switched_on": True,
    "target_platform": "mock",
    "stages": [{"percentage": 10, "minimum_meetings": 20}, {"percentage": 100}],
}


def test_the_plan_shows_its_stage_and_its_guards_with_their_numbers(looker):
    decide(PLAN)
    text = text_of(looker)
    assert '<li class="now" aria-current="step">10 %</li>' in text
    assert "Stage 1 of 2, 10 %: 0 of 20 meetings." in text
    assert "not enough yet" in text
    assert "Openings that fail: none on Mock" in text


def test_the_plan_is_paused_and_resumed(operator):
    decide(PLAN)
    operator.post("/admin/rollout/pause/")
    text = text_of(operator)
    assert "The plan is paused: no further room moves until it is resumed." in text
    assert 'action="/admin/rollout/resume/"' in text
    operator.post("/admin/rollout/resume/")
    assert 'action="/admin/rollout/pause/"' in text_of(operator)
    operator.post("/admin/rollout/resume/")
    assert "The plan was not paused: nothing was changed." in text_of(operator)


def test_without_a_plan_there_is_nothing_to_pause(operator):
    assert "/admin/rollout/pause/" not in text_of(operator)
    operator.post("/admin/rollout/pause/")
    assert "The rollout has no plan." in text_of(operator)
