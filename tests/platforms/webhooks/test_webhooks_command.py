"""`manage.py webhooks` over real HTTP, with a provider that tries the running server out."""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.support.stub_provider import Answer
from tests.support.webhook_provider import (
    API_KEY,
    EVENT_TYPES,
    OLD_SECRET,
    OLDER,
    OTHER,
    OURS,
    PUBLIC_URL,
    SECRET,
    webhook_provider,
)

ROOT = Path(__file__).resolve().parent.parent.parent.parent


@pytest.fixture
def provider(settings):
    with webhook_provider(settings) as provider:
        yield provider


@pytest.fixture
def reachable(provider, live_server):
    """The provider's requests arrive at a running server."""
    provider.server = live_server.url


@pytest.fixture
def webhooks(provider, caplog):
    """Run the command: its exit code and all that it said. No secret or key in use is ever shown, nor logged."""

    def run(action, *arguments, platform="daily"):
        out, code = io.StringIO(), 0
        options = [f"--platform={platform}"] if platform else []
        try:
            call_command("webhooks", action, *arguments, *options, stdout=out)
        except CommandError as error:
            out.write(str(error))
            code = error.returncode
        assert not {secret for secret in (SECRET, OLD_SECRET, API_KEY) if secret in out.getvalue() + caplog.text}
        return code, out.getvalue()

    return run


def shown_secret(said):
    """The secret in a line to be put into the environment."""
    [secret] = re.findall(r"^DAILY_WEBHOOK_SECRET=([^,\n]+)", said, re.MULTILINE)
    return secret


# list


@pytest.mark.parametrize("wrapped", [False, True])
def test_list_shows_each_webhook_and_whose_it_is(webhooks, provider, wrapped):
    provider.wrapped = wrapped
    ours = provider.holds(OURS)
    other = provider.holds(OTHER, state="FAILED", retryType="circuit-breaker", eventTypes=["meeting.ended"])
    code, said = webhooks("list")
    assert code == 0
    assert said.splitlines() == [
        f"{ours}  ACTIVE  this server",
        f"    url      {OURS}",
        "    retries  exponential",
        f"    events   {', '.join(EVENT_TYPES)}",
        f"{other}  FAILED  another server",
        f"    url      {OTHER}",
        "    retries  circuit-breaker",
        "    events   meeting.ended",
    ]


def test_list_knows_the_older_address_of_this_server(webhooks, provider):
    provider.holds(OLDER)
    assert "this server" in webhooks("list")[1]


def test_list_says_that_there_is_none(webhooks):
    assert webhooks("list") == (0, "Daily has no webhook.\n")


def test_the_platform_may_be_left_out_where_only_one_is_set_up(webhooks, settings):
    settings.VIDEO_PLATFORMS = {"daily": settings.VIDEO_PLATFORMS["daily"]}
    assert webhooks("list", platform="") == (0, "Daily has no webhook.\n")


def test_the_platform_must_be_named_where_several_are_set_up(webhooks):
    code, said = webhooks("list", platform="")
    assert (code, said) == (1, "Pass --platform: one of daily, mock.")


def test_an_unknown_platform_is_refused_by_name(webhooks):
    code, said = webhooks("list", platform="jitsi")
    assert code == 1
    assert "'jitsi'" in said


def test_a_platform_without_credentials_names_the_variable(webhooks, provider):
    provider.configure(SECRET, api_key="")
    assert webhooks("list") == (1, "Daily is not configured: set DAILY_API_KEY.")


def test_a_wrong_key_is_said_in_a_sentence(webhooks, provider):
    provider.stub.on("GET", "/webhooks", Answer(401, {"error": "authentication-error", "info": f"bad {API_KEY}"}))
    code, said = webhooks("list")
    assert code == 1
    assert "Daily refused GET /webhooks with 401" in said


# register


@pytest.mark.usefixtures("reachable")
def test_register_makes_the_webhook_after_the_server_answered_the_probe(webhooks, provider):
    code, said = webhooks("register")
    [uuid] = provider.webhooks
    assert (code, said) == (0, f"Registered: webhook {uuid} (ACTIVE) sends to {OURS}\n")
    [sent] = provider.stub.sent("POST")
    assert sent.path == "/webhooks"
    assert sent.json == {"url": OURS, "eventTypes": list(EVENT_TYPES), "hmac": SECRET, "retryType": "exponential"}
    assert provider.probes == [200]
    assert provider.event_status(uuid) == 200


@pytest.mark.usefixtures("reachable")
def test_register_signs_with_the_first_of_several_secrets(webhooks, provider):
    provider.configure(SECRET, OLD_SECRET)
    webhooks("register")
    assert [webhook["hmac"] for webhook in provider.webhooks.values()] == [SECRET]


@pytest.mark.usefixtures("reachable")
def test_register_again_updates_the_one_there_is(webhooks, provider):
    webhooks("register")
    [uuid] = provider.webhooks
    assert webhooks("register")[0] == 0
    assert list(provider.webhooks) == [uuid]
    assert [request.path for request in provider.stub.sent("POST")] == ["/webhooks", f"/webhooks/{uuid}"]


@pytest.mark.usefixtures("reachable")
def test_register_rearms_and_completes_a_webhook_that_had_failed(webhooks, provider):
    uuid = provider.holds(OURS, state="FAILED", retryType="circuit-breaker", eventTypes=["meeting.ended"])
    assert webhooks("register")[0] == 0
    webhook = provider.webhooks[uuid]
    assert (webhook["state"], webhook["retryType"], webhook["eventTypes"]) == (
        "ACTIVE",
        "exponential",
        list(EVENT_TYPES),
    )


def test_register_leaves_the_webhook_of_another_server_alone(webhooks, provider):
    uuid = provider.holds(OTHER)
    code, said = webhooks("register")
    assert code == 1
    assert f"{uuid} ({OTHER})" in said
    assert "--replace <id>" in said
    assert provider.stub.sent("POST") == []
    assert provider.webhooks[uuid]["url"] == OTHER


@pytest.mark.usefixtures("reachable")
def test_register_takes_another_servers_webhook_over_when_its_id_is_given(webhooks, provider):
    uuid = provider.holds(OTHER)
    assert webhooks("register", f"--replace={uuid}")[0] == 0
    assert [(key, webhook["url"]) for key, webhook in provider.webhooks.items()] == [(uuid, OURS)]


def test_register_refuses_to_replace_an_id_that_is_not_there(webhooks, provider):
    uuid = provider.holds(OTHER)
    code, said = webhooks("register", "--replace=nonsense")
    assert (code, said) == (1, f"Daily has no webhook nonsense; it has: {uuid}.")
    assert provider.stub.sent("POST") == []


def test_register_never_makes_a_second_webhook_to_the_same_address(webhooks, provider):
    ours, other = provider.holds(OURS), provider.holds(OTHER)
    code, said = webhooks("register", f"--replace={other}")
    assert code == 1
    assert f"{ours} points at {OURS} already" in said
    assert provider.webhooks[other]["url"] == OTHER


def test_register_without_a_secret_hands_one_over_and_calls_nobody(webhooks, provider):
    provider.configure()
    code, said = webhooks("register")
    assert code == 1
    assert len(base64.b64decode(shown_secret(said), validate=True)) == 32
    assert "Nothing was registered yet" in said
    assert provider.stub.requests == []
    assert shown_secret(webhooks("register")[1]) != shown_secret(said)


@pytest.mark.parametrize(
    "public_url",
    [
        "http://rooms.example.com",
        "https://localhost",
        "https://rooms",
        "https://rooms.internal",
        "https://rooms.local.",
        "https://127.1",
        "https://10.1.2.3",
        "https://[::1]:8000",
    ],
)
def test_register_wants_an_address_that_the_provider_can_reach(webhooks, provider, settings, public_url):
    settings.PUBLIC_URL = public_url
    code, said = webhooks("register")
    assert code == 1
    assert f"{public_url}/v1/daily/webhook is not an https address" in said
    assert "PUBLIC_URL" in said
    assert provider.stub.requests == []


@pytest.mark.usefixtures("reachable")
def test_register_takes_any_address_for_a_provider_on_this_machine(webhooks, provider, settings):
    settings.PUBLIC_URL = provider.server
    assert webhooks("register", "--allow-http")[0] == 0
    assert [webhook["url"] for webhook in provider.webhooks.values()] == [f"{provider.server}/v1/daily/webhook"]


@pytest.mark.usefixtures("reachable")
def test_register_takes_the_address_that_is_given(webhooks, provider):
    assert webhooks("register", f"--url={OLDER}")[0] == 0
    assert [webhook["url"] for webhook in provider.webhooks.values()] == [OLDER]


def test_register_refuses_an_address_that_is_none(webhooks, provider):
    assert webhooks("register", "--url=https://[")[0] == 1
    assert provider.stub.requests == []


@pytest.mark.usefixtures("reachable")
def test_register_explains_a_probe_that_failed(webhooks, provider):
    code, said = webhooks("register", f"--url={PUBLIC_URL}/not/here")
    assert code == 1
    assert "non-200 status code returned from webhook endpoint, recvd 404" in said
    assert "must be reachable from outside" in said
    assert provider.webhooks == {}


def test_a_provider_that_repeats_the_secret_in_its_refusal_does_not_get_it_shown(webhooks, provider):
    provider.stub.on("POST", "/webhooks", lambda request: Answer(400, {"info": f"bad hmac {request.json['hmac']}"}))
    code, said = webhooks("register")
    assert code == 1
    assert "bad hmac [secret]" in said


def test_register_says_so_when_the_provider_is_down(webhooks, provider):
    provider.stub.on("GET", "/webhooks", Answer(503, {"error": "server-error"}))
    code, said = webhooks("register")
    assert code == 1
    assert said.startswith("Daily answered 503")
    assert provider.stub.sent("POST") == []


# verify


@pytest.mark.usefixtures("reachable")
def test_verify_finds_nothing_wrong_with_what_register_made(webhooks, provider):
    webhooks("register")
    [uuid] = provider.webhooks
    assert webhooks("verify") == (0, f"Webhook {uuid} sends every event to {OURS}\n")


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"state": "FAILED"}, "it is FAILED: nothing is sent"),
        ({"state": "INACTIVE"}, "it is INACTIVE: nothing is sent"),
        ({"state": 2}, "it is 2: nothing is sent"),
        ({"state": None}, "it is not active: nothing is sent"),
        ({"eventTypes": list(EVENT_TYPES[2:])}, "it does not deliver meeting.started, meeting.ended"),
        ({"retryType": "circuit-breaker"}, "it retries by circuit-breaker, not by exponential"),
        ({"hmac": OLD_SECRET}, "it signs with a secret that is not in DAILY_WEBHOOK_SECRET: every event is refused"),
        ({"state": "FAILED", "retryType": ""}, "it is FAILED: nothing is sent; it retries by default, not by"),
    ],
)
def test_verify_says_what_is_wrong(webhooks, provider, changes, wrong):
    uuid = provider.holds(OURS, **changes)
    code, said = webhooks("verify")
    assert code == 1
    assert said.startswith(f"Webhook {uuid} points here, but {wrong}")


def test_verify_takes_more_events_than_are_needed_and_a_provider_that_keeps_the_secret_to_itself(webhooks, provider):
    provider.holds(OURS, eventTypes=[*EVENT_TYPES, "transcript.started"], hmac=None)
    assert webhooks("verify")[0] == 0


def test_verify_misses_a_webhook_that_points_elsewhere(webhooks, provider):
    provider.holds(OTHER)
    assert webhooks("verify") == (1, f"No webhook of Daily points at {OURS}.")


def test_verify_changes_nothing(webhooks, provider):
    provider.holds(OURS, state="FAILED")
    webhooks("verify")
    assert {request.method for request in provider.stub.requests} == {"GET"}


# rotate


def test_rotate_hands_over_a_new_secret_without_calling_anybody(webhooks, provider):
    code, said = webhooks("rotate")
    assert code == 0
    assert len(base64.b64decode(shown_secret(said), validate=True)) == 32
    assert f"DAILY_WEBHOOK_SECRET={shown_secret(said)},<what it holds now>" in said
    assert "webhooks rotate --platform daily --apply" in said
    assert provider.stub.requests == []


def test_rotate_wants_a_first_secret_to_be_there(webhooks, provider):
    provider.configure()
    code, said = webhooks("rotate")
    assert code == 1
    assert "DAILY_WEBHOOK_SECRET is not set" in said


@pytest.mark.usefixtures("reachable")
def test_no_event_is_refused_while_a_secret_is_rotated(webhooks, provider):
    provider.configure(OLD_SECRET)
    webhooks("register")
    [uuid] = provider.webhooks
    statuses = [provider.event_status(uuid)]
    provider.configure(SECRET, OLD_SECRET)
    statuses.append(provider.event_status(uuid))
    sent_before = dict(provider.webhooks[uuid])
    code, said = webhooks("rotate", "--apply")
    assert (code, provider.webhooks[uuid]["hmac"]) == (0, SECRET)
    assert said.startswith(f"Webhook {uuid} is signed with the first secret")
    statuses.append(provider.event_status(uuid))
    statuses.append(provider.deliver(sent_before, b'{"type":"participant.left","id":"late","payload":{}}'))
    assert statuses == [200] * 4
    provider.configure(SECRET)
    assert provider.event_status(uuid) == 200
    assert provider.deliver(sent_before, b'{"type":"participant.left","id":"later","payload":{}}') == 401


def test_rotate_is_not_applied_while_only_one_secret_is_set(webhooks, provider):
    uuid = provider.holds(OURS, hmac=OLD_SECRET)
    code, said = webhooks("rotate", "--apply")
    assert code == 1
    assert "DAILY_WEBHOOK_SECRET holds one secret only" in said
    assert provider.webhooks[uuid]["hmac"] == OLD_SECRET


def test_rotate_is_not_applied_to_another_servers_webhook(webhooks, provider):
    provider.configure(SECRET, OLD_SECRET)
    uuid = provider.holds(OTHER, hmac=OLD_SECRET)
    assert webhooks("rotate", "--apply") == (1, "No webhook of Daily points here: register it first.")
    assert provider.webhooks[uuid]["hmac"] == OLD_SECRET


# delete


@pytest.mark.parametrize(("answer", "deleted"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False)])
def test_delete_asks_first(webhooks, provider, monkeypatch, answer, deleted):
    uuid = provider.holds(OURS)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, said = webhooks("delete", uuid)
    assert (uuid not in provider.webhooks) is deleted
    assert (code, said) == ((0, f"Deleted: {uuid} ({OURS})\n") if deleted else (1, "Nothing was deleted."))


def test_delete_takes_silence_for_a_no(webhooks, provider, monkeypatch):
    uuid = provider.holds(OURS)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert webhooks("delete", uuid) == (1, "Nothing was deleted.")
    assert uuid in provider.webhooks


def test_delete_does_not_ask_when_told_yes(webhooks, provider):
    uuid = provider.holds(OURS)
    assert webhooks("delete", uuid, "--yes")[0] == 0
    assert provider.webhooks == {}


def test_delete_spares_another_servers_webhook_unless_forced(webhooks, provider):
    uuid = provider.holds(OTHER)
    code, said = webhooks("delete", uuid, "--yes")
    assert code == 1
    assert f"{uuid} points at {OTHER}, which is not this server" in said
    assert uuid in provider.webhooks
    assert webhooks("delete", uuid, "--yes", "--force")[0] == 0
    assert provider.webhooks == {}


def test_delete_refuses_an_id_that_is_not_there(webhooks):
    assert webhooks("delete", "nonsense", "--yes") == (1, "Daily has no webhook nonsense; it has: none.")


# A platform that has no call for it


def test_instructions_take_the_place_of_a_call(webhooks):
    code, said = webhooks("register", platform="whereby")
    assert code == 0
    assert f"{PUBLIC_URL}/v1/whereby/webhook" in said
    assert "WHEREBY_WEBHOOK_SECRET" in said
    assert "room.client.joined" in said


def test_instructions_for_a_new_secret_keep_the_old_one_valid(webhooks):
    code, said = webhooks("rotate", platform="whereby")
    assert code == 0
    assert said.endswith("WHEREBY_WEBHOOK_SECRET=<new>,<what it holds now>\n")


@pytest.mark.parametrize(("action", "arguments"), [("verify", []), ("delete", ["some-id", "--yes"])])
def test_what_cannot_be_done_by_a_call_is_not_claimed(webhooks, action, arguments):
    code, said = webhooks(action, *arguments, platform="whereby")
    assert code == 1
    assert f"Whereby lets nobody {action} a webhook by a call" in said


# As a process


@pytest.mark.usefixtures("reachable")
def test_the_exit_code_is_that_of_the_process(provider, tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
        "ENV_FILE": "",
        "DEBUG": "true",
        "DATA_DIR": str(tmp_path),
        "PUBLIC_URL": PUBLIC_URL,
        "DAILY_API_URL": provider.stub.url,
        "DAILY_API_KEY": API_KEY,
        "DAILY_WEBHOOK_SECRET": f"{SECRET},{OLD_SECRET}",
    }

    def run(action):
        command = [sys.executable, "manage.py", "webhooks", action, "--platform", "daily"]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert not {secret for secret in (SECRET, OLD_SECRET, API_KEY) if secret in ended.stdout + ended.stderr}
        return ended.returncode

    assert [run("verify"), run("register"), run("verify")] == [1, 0, 0]
    assert len(provider.webhooks) == 1
