"""The watch over webhook subscriptions, and the notices by which staff learn of what it found."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.utils.module_loading import import_string

from platforms.health import notices
from platforms.models import StaffNotice
from platforms.webhooks.subscriptions import check_subscriptions
from tests.conftest import make_user
from tests.support.stub_provider import Answer
from tests.support.webhook_provider import (
    API_KEY,
    EVENT_TYPES,
    NOWHERE,
    OLD_SECRET,
    OLDER,
    OTHER,
    OURS,
    SECRET,
    webhook_provider,
)

REGISTER = "Run: manage.py webhooks register --platform daily"


@pytest.fixture
def provider(settings):
    with webhook_provider(settings) as provider:
        yield provider


@pytest.fixture
def reachable(provider, live_server):
    """The provider's requests arrive at a running server."""
    provider.server = live_server.url


@pytest.fixture
def check(provider, caplog, db):
    """Have the watch look once: what staff see then. No secret or key is shown, nor logged."""

    def look():
        check_subscriptions()
        seen = [notice.text for notice in notices.shown()]
        assert not {secret for secret in (SECRET, OLD_SECRET, API_KEY) if secret in "".join(seen) + caplog.text}
        return seen

    return look


def changes_asked_of(provider):
    return [(request.method, request.path) for request in provider.stub.requests if request.method != "GET"]


# What is as it should be


def test_a_working_webhook_is_left_alone(check, provider):
    provider.holds(OURS)
    assert check() == []
    assert changes_asked_of(provider) == []
    assert not StaffNotice.objects.exists()


def test_a_webhook_at_the_older_address_is_this_servers_too(check, provider):
    provider.holds(OLDER)
    assert check() == []


def test_one_working_webhook_of_two_is_enough(check, provider):
    provider.holds(OURS, state="FAILED")
    provider.holds(OLDER)
    assert check() == []
    assert changes_asked_of(provider) == []


# What has stopped


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize("state", ["FAILED", "INACTIVE", 0, 2, None])
def test_a_webhook_that_was_stopped_is_armed_again_and_staff_are_told(check, provider, caplog, state):
    uuid = provider.holds(OURS, state=state)
    [seen] = check()
    assert provider.webhooks[uuid]["state"] == "ACTIVE"
    assert changes_asked_of(provider) == [("POST", f"/webhooks/{uuid}")]
    assert provider.probes == [200]
    assert seen.startswith("Daily stopped sending webhooks")
    assert "was told to send again" in seen
    assert f"webhook_rearmed platform=daily subscription={uuid}" in caplog.text
    assert "WARNING" in caplog.text


@pytest.mark.usefixtures("reachable")
def test_the_notice_goes_when_the_webhook_is_seen_to_work_again(check, provider):
    provider.holds(OURS, state="FAILED")
    assert len(check()) == 1
    assert check() == []
    notice = StaffNotice.objects.get()
    assert notice.resolved_at is not None
    assert notice.opened_at <= notice.last_seen_at <= notice.resolved_at
    assert len(provider.stub.sent("POST")) == 1


@pytest.mark.usefixtures("reachable")
def test_a_webhook_keeps_its_own_address_when_it_is_armed_again(check, provider):
    uuid = provider.holds(OLDER, state="FAILED", hmac=OLD_SECRET)
    provider.configure(SECRET, OLD_SECRET)
    check()
    webhook = provider.webhooks[uuid]
    assert (webhook["url"], webhook["hmac"], webhook["eventTypes"]) == (OLDER, SECRET, list(EVENT_TYPES))


@pytest.mark.usefixtures("reachable")
def test_staff_are_told_when_arming_it_again_fails_and_it_is_tried_until_it_works(check, provider, caplog):
    uuid, server = provider.holds(OURS, state="FAILED"), provider.server
    provider.server = NOWHERE
    [seen] = check()
    assert "could not be told to send again" in seen
    assert "non-200 status code returned from webhook endpoint, recvd undefined" in seen
    assert f"webhook_rearm_failed platform=daily subscription={uuid}" in caplog.text
    assert check() == [seen]
    provider.server = server
    [seen] = check()
    assert "was told to send again" in seen
    assert check() == []
    assert StaffNotice.objects.count() == 1


@pytest.mark.usefixtures("reachable")
def test_two_workers_that_look_at_once_do_no_harm(check, provider, caplog):
    uuid = provider.holds(OURS, state="FAILED")
    both = threading.Barrier(2, timeout=10)
    listed = Answer(json=[dict(provider.webhooks[uuid])])

    def list_when_both_ask(request):
        both.wait()
        return listed

    provider.stub.on("GET", "/webhooks", list_when_both_ask)

    def look(_):
        try:
            check_subscriptions()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(look, range(2)))
    assert list(provider.webhooks) == [uuid]
    assert provider.webhooks[uuid]["state"] == "ACTIVE"
    assert notices.shown().count() == 1


# What staff must see to


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_missing_webhook_is_not_made_but_told(check, provider, caplog, elsewhere):
    if elsewhere:
        provider.holds(OTHER, state="FAILED")
    [seen] = check()
    assert seen.startswith("No webhook of Daily points at this server")
    assert seen.endswith(REGISTER)
    assert changes_asked_of(provider) == []
    assert "webhook_missing platform=daily" in caplog.text
    provider.holds(OURS)
    assert check() == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"eventTypes": ["meeting.ended"]}, "it does not deliver meeting.started, participant.joined"),
        ({"retryType": "circuit-breaker"}, "it retries by circuit-breaker, not by exponential"),
        ({"hmac": OLD_SECRET}, "it signs with a secret that is not in DAILY_WEBHOOK_SECRET"),
    ],
)
def test_a_webhook_that_works_in_part_is_told_and_not_changed(check, provider, changes, wrong):
    provider.holds(OURS, **changes)
    [seen] = check()
    assert wrong in seen
    assert seen.endswith(REGISTER)
    assert changes_asked_of(provider) == []


# A provider that cannot be asked


def test_staff_are_told_of_failing_checks_from_the_third_in_a_row_on(check, provider):
    provider.stub.on("GET", "/webhooks", Answer(401, {"error": "authentication-error"}))
    assert [check(), check()] == [[], []]
    [seen] = check()
    assert seen.startswith("The webhook of Daily could not be checked: Daily refused GET /webhooks with 401")
    assert check() == [seen]
    notice = StaffNotice.objects.get()
    assert notice.sightings == 4
    assert notice.opened_at < notice.last_seen_at


def test_one_check_that_works_begins_the_count_anew(check, provider):
    provider.holds(OURS)
    for _ in range(2):
        provider.refuses_to_list(Answer(401, {}), times=2)
        assert [check(), check(), check()] == [[], [], []]


def test_the_notice_goes_when_the_provider_answers_again(check, provider):
    provider.holds(OURS)
    provider.refuses_to_list(Answer(json="odd"), times=3)
    assert [len(check()) for _ in range(4)] == [0, 0, 1, 0]


def test_a_provider_that_cannot_be_asked_leaves_a_known_problem_standing(check, provider):
    provider.holds(OURS, eventTypes=["meeting.ended"])
    seen = check()
    provider.stub.on("GET", "/webhooks", Answer(401, {}))
    assert check() == seen
    assert changes_asked_of(provider) == []


@pytest.mark.usefixtures("reachable")
def test_one_platform_that_fails_does_not_keep_the_next_from_being_checked(check, provider, settings):
    uuid = provider.holds(settings.PUBLIC_URL + "/v1/second/webhook", state="FAILED")
    platforms = dict(settings.VIDEO_PLATFORMS)
    second = {**platforms["daily"], "OPTIONS": dict(platforms["daily"]["OPTIONS"])}
    platforms["daily"]["OPTIONS"]["api_key"] = "another-key"
    settings.VIDEO_PLATFORMS = {**platforms, "second": second}
    assert len(check()) == 1
    assert provider.webhooks[uuid]["state"] == "ACTIVE"


# What is not watched


@pytest.mark.parametrize("public_url", ["http://rooms.example.com", "https://localhost:8000", "https://192.168.1.5"])
def test_a_server_that_no_provider_can_reach_asks_nobody(check, provider, settings, public_url):
    settings.PUBLIC_URL = public_url
    assert check() == []
    assert provider.stub.requests == []


def test_a_platform_without_a_secret_or_a_key_is_not_asked(check, provider):
    provider.configure()
    assert check() == []
    provider.configure(SECRET, api_key="")
    assert check() == []
    assert provider.stub.requests == []


def test_notices_of_a_platform_that_is_no_longer_used_go(check, provider):
    assert len(check()) == 1
    provider.configure(SECRET, api_key="")
    assert check() == []


# The clock


@pytest.mark.usefixtures("reachable")
def test_the_clock_has_the_subscriptions_checked_every_two_minutes(check, provider, settings):
    [entry] = [e for e in settings.CELERY_BEAT_SCHEDULE.values() if e["task"].endswith("check_subscriptions")]
    assert entry["schedule"].run_every.total_seconds() == 120
    uuid = provider.holds(OURS, state="FAILED")
    import_string(entry["task"]).apply(throw=True)
    assert provider.webhooks[uuid]["state"] == "ACTIVE"


# Notices


def test_a_problem_that_comes_back_is_a_fresh_notice_under_its_key(db):
    notices.report("disk", "The disk is full.")
    first = StaffNotice.objects.get()
    notices.resolve("disk")
    assert not notices.shown().exists()
    notices.report("disk", "The disk is full again.")
    [again] = notices.shown()
    assert (again.pk, again.text, again.sightings, again.resolved_at) == (first.pk, "The disk is full again.", 1, None)
    assert again.opened_at > first.opened_at


def test_a_problem_that_lasts_keeps_its_beginning_and_takes_the_latest_words(db):
    notices.report("disk", "90 % full.")
    begun = StaffNotice.objects.get().opened_at
    notices.report("disk", "95 % full.")
    [notice] = notices.shown()
    assert (notice.text, notice.sightings, notice.opened_at) == ("95 % full.", 2, begun)


def test_resolving_what_was_never_reported_does_nothing(db):
    notices.resolve("disk")
    assert not StaffNotice.objects.exists()


def test_staff_see_notices_on_the_first_page_of_admin_until_they_are_resolved(client, staff):
    client.force_login(staff)
    notices.report("disk", "The <disk> is full.")
    notices.report("mail", "Not yet worth a word.", shown_after=2)
    page = client.get("/admin/").content.decode()
    assert "The &lt;disk&gt; is full." in page
    assert "Not yet worth a word." not in page
    notices.resolve("disk")
    assert "is full." not in client.get("/admin/").content.decode()


def test_notices_are_listed_in_admin_and_changed_by_nobody(client, staff):
    client.force_login(staff)
    notices.report("disk", "The disk is full.")
    pk = StaffNotice.objects.get().pk
    assert "The disk is full." in client.get("/admin/platforms/staffnotice/?resolved_at__isempty=1").content.decode()
    assert client.get(f"/admin/platforms/staffnotice/{pk}/change/").status_code == 200
    assert client.post(f"/admin/platforms/staffnotice/{pk}/change/", {"text": "All is well."}).status_code == 403
    assert client.get("/admin/platforms/staffnotice/add/").status_code == 403
    assert client.post(f"/admin/platforms/staffnotice/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert StaffNotice.objects.get().text == "The disk is full."


def test_notices_are_listed_only_for_staff_who_may_see_them(client, db):
    colleague = make_user("clerk", is_staff=True)
    client.force_login(colleague)
    assert client.get("/admin/platforms/staffnotice/").status_code == 403
    colleague.user_permissions.add(Permission.objects.get(codename="view_staffnotice"))
    assert client.get("/admin/platforms/staffnotice/").status_code == 200
