"""From an alias to a client, and the errors on the way."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from platforms import (
    MeetingData,
    VideoPlatformClient,
    VideoPlatformConfig,
    abilities,
    create_platform_client,
    get_available_platforms,
    get_platform_client_class,
    get_platform_config,
    register_platform,
)
from platforms.backends.mock import MockClient
from platforms.exceptions import PlatformError, PlatformNotConfigured, UnsupportedCapability
from platforms.handler import platform_choices, platform_label, unregister_platform, why_unavailable
from platforms.testing import ExampleRoom

END = datetime(2026, 1, 1, tzinfo=UTC)
MOCK = "platforms.backends.mock.MockClient"


class AcmeClient(VideoPlatformClient):
    label = "Acme"
    required_options = {"api_key": "ACME_API_KEY", "s3_bucket": "ACME_S3_BUCKET"}


@pytest.fixture
def platforms(settings):
    """Sets VIDEO_PLATFORMS to the given aliases."""

    def set_platforms(**aliases):
        settings.VIDEO_PLATFORMS = aliases

    return set_platforms


@pytest.fixture
def acme():
    register_platform("acme", AcmeClient, {"api_key": "key", "s3_bucket": "acme"})
    yield
    unregister_platform("acme")


# Making a client


def test_an_alias_makes_a_client_with_its_options(platforms):
    platforms(demo={"BACKEND": MOCK, "OPTIONS": {"webhook_secrets": ["a", "b"], "public_url": "http://x", "speed": 7}})
    client = create_platform_client("demo")
    assert isinstance(client, MockClient)
    assert client.name == "demo"
    assert client.config.webhook_secrets == ("a", "b")
    assert client.config.extra == {"public_url": "http://x", "speed": 7}


def test_options_may_be_left_out(platforms):
    platforms(demo={"BACKEND": MOCK})
    assert get_platform_config("demo") == VideoPlatformConfig(name="demo")


def test_the_client_is_made_once(platforms):
    platforms(demo={"BACKEND": MOCK})
    assert create_platform_client("demo") is create_platform_client("demo")


def test_another_configuration_makes_another_client(platforms):
    platforms(demo={"BACKEND": MOCK})
    other = create_platform_client("demo", VideoPlatformConfig(name="demo", api_key="other"))
    assert other is not create_platform_client("demo")
    assert other.config.api_key == "other"


def test_a_changed_setting_makes_a_new_client(platforms):
    platforms(demo={"BACKEND": MOCK})
    before = create_platform_client("demo")
    platforms(demo={"BACKEND": MOCK, "OPTIONS": {"api_key": "new"}})
    assert create_platform_client("demo") is not before
    assert create_platform_client("demo").config.api_key == "new"


def test_a_changed_limit_makes_a_new_client(platforms, settings):
    platforms(demo={"BACKEND": MOCK})
    before = create_platform_client("demo")
    settings.PROVIDER_READ_TIMEOUT = 1
    assert create_platform_client("demo") is not before


def test_other_settings_leave_the_client_alone(platforms, settings):
    platforms(demo={"BACKEND": MOCK})
    before = create_platform_client("demo")
    settings.PUBLIC_MODE = True
    assert create_platform_client("demo") is before


# Errors


def test_an_unknown_alias_is_named_beside_those_there_are(platforms):
    platforms(one={"BACKEND": MOCK}, two={"BACKEND": MOCK})
    with pytest.raises(PlatformNotConfigured, match=r"VIDEO_PLATFORMS.*'zoom'.*: one, two\.") as caught:
        create_platform_client("zoom")
    assert caught.value.platform == "zoom"
    with pytest.raises(PlatformNotConfigured):
        get_platform_config("zoom")


def test_without_any_platform_the_error_says_so(platforms):
    platforms()
    with pytest.raises(PlatformNotConfigured, match=r"it has: none\."):
        get_platform_client_class("zoom")


@pytest.mark.parametrize("path", ["nowhere.Client", "platforms.backends.mock.Nothing", "nodots", ""])
def test_a_path_that_leads_nowhere_is_named_with_setting_and_alias(platforms, path):
    platforms(demo={"BACKEND": path})
    with pytest.raises(PlatformNotConfigured, match=rf"VIDEO_PLATFORMS\['demo'\]: BACKEND '{path}'"):
        create_platform_client("demo")


def test_a_missing_path_is_named_too(platforms):
    platforms(demo={})
    with pytest.raises(PlatformNotConfigured, match=r"VIDEO_PLATFORMS\['demo'\]: BACKEND ''"):
        get_platform_client_class("demo")


def test_missing_variables_are_named(acme):
    register_platform("acme", AcmeClient, {"s3_bucket": "acme"})
    with pytest.raises(PlatformNotConfigured, match=r"Acme is not configured: set ACME_API_KEY\.") as caught:
        create_platform_client("acme")
    assert caught.value.platform == "acme"
    assert why_unavailable("acme") == "Acme is not configured: set ACME_API_KEY."
    register_platform("acme", AcmeClient)
    assert why_unavailable("acme") == "Acme is not configured: set ACME_API_KEY, ACME_S3_BUCKET."


def test_why_a_platform_is_unavailable_is_a_sentence_or_nothing(platforms, acme):
    platforms(demo={"BACKEND": MOCK}, broken={"BACKEND": "nowhere.Client"})
    assert why_unavailable("demo") is None
    assert why_unavailable("acme") is None
    assert "nowhere.Client" in str(why_unavailable("broken"))
    assert "zoom" in str(why_unavailable("zoom"))


# Registering at run time


def test_a_registered_platform_is_there_like_any_other(platforms, acme):
    platforms(demo={"BACKEND": MOCK})
    assert get_available_platforms() == ["demo", "acme"]
    assert get_platform_client_class("acme") is AcmeClient
    assert create_platform_client("acme").config.s3_bucket == "acme"
    assert platform_choices() == [("demo", "Mock"), ("acme", "Acme")]


def test_registering_again_replaces(acme):
    before = create_platform_client("acme")
    register_platform("acme", MockClient, {"api_key": "new"})
    assert isinstance(create_platform_client("acme"), MockClient)
    assert create_platform_client("acme") is not before


def test_a_registered_platform_survives_a_changed_setting(platforms, acme):
    platforms(demo={"BACKEND": MOCK})
    assert create_platform_client("acme").label == "Acme"


def test_a_registered_platform_goes_before_one_of_the_setting(platforms, acme):
    platforms(acme={"BACKEND": MOCK})
    assert get_available_platforms() == ["acme"]
    assert get_platform_client_class("acme") is AcmeClient


def test_the_label_of_a_platform_that_cannot_be_loaded_is_its_alias(platforms):
    platforms(broken={"BACKEND": "nowhere.Client"})
    assert platform_label("broken") == "broken"
    assert platform_choices() == [("broken", "broken")]


# A backend's own options


@dataclass(frozen=True)
class TokenOptions(VideoPlatformConfig):
    issuer: str = ""
    lifetime: int = 3600


class TokenClient(VideoPlatformClient):
    label = "Tokens"
    options_class = TokenOptions
    required_options = {"issuer": "TOKENS_ISSUER", "api_key": "TOKENS_KEY"}


TOKENS = f"{__name__}.TokenClient"


def test_a_backend_has_options_of_its_own_and_any_may_be_required(platforms):
    platforms(tokens={"BACKEND": TOKENS, "OPTIONS": {"api_key": "key", "lifetime": 60, "colour": "red"}})
    assert why_unavailable("tokens") == "Tokens is not configured: set TOKENS_ISSUER."
    platforms(
        tokens={"BACKEND": TOKENS, "OPTIONS": {"api_key": "key", "issuer": "us", "lifetime": 60, "colour": "red"}}
    )
    config = create_platform_client("tokens").config
    assert (config.issuer, config.lifetime, config.extra) == ("us", 60, {"colour": "red"})


def test_a_second_account_names_its_own_variables(platforms):
    variables = {"issuer": "TOKENS_EUROPE_ISSUER"}
    platforms(tokens={"BACKEND": TOKENS}, europe={"BACKEND": TOKENS, "VARIABLES": variables})
    assert why_unavailable("tokens") == "Tokens is not configured: set TOKENS_ISSUER, TOKENS_KEY."
    assert why_unavailable("europe") == "Tokens is not configured: set TOKENS_EUROPE_ISSUER, TOKENS_KEY."
    with pytest.raises(PlatformNotConfigured, match="TOKENS_EUROPE_ISSUER"):
        create_platform_client("europe")


# What every client has from its base


def test_a_client_can_do_nothing_until_it_says_otherwise(acme):
    client = create_platform_client("acme")
    for ability in abilities.ABILITIES:
        with pytest.raises(UnsupportedCapability, match=r"Acme does not support [a-z]+") as caught:
            client.require(ability)
        assert isinstance(caught.value, PlatformError)
    assert client.warnings() == client.deployment_warnings() == []
    with pytest.raises(NotImplementedError):
        client.create_meeting("x", END, ExampleRoom())


def test_an_ability_that_is_refused_is_called_by_its_words(acme):
    with pytest.raises(UnsupportedCapability, match=r"^Acme does not support recording start\.$"):
        create_platform_client("acme").require(abilities.RecordingStart)


def test_what_an_ability_need_not_say():
    class Acme(AcmeClient, abilities.Presence, abilities.WebhookRegistration):
        pass

    client = Acme(VideoPlatformConfig())
    assert client.get_all_presence() is None
    assert client.is_webhook_probe(b'{"test":"test"}') is False
    assert client.webhook_instructions("https://x/hook") == "Register https://x/hook in the dashboard of Acme."
    assert len(client.new_webhook_secret()) >= 32


def test_a_client_that_claims_an_ability_must_have_it(tmp_path):
    client = type("Boastful", (AcmeClient, *reversed(abilities.ABILITIES)), {})(VideoPlatformConfig())
    for call in (
        lambda: client.upload_logo("room", tmp_path),
        lambda: client.get_room_sessions("room"),
        lambda: client.get_presence("room"),
        lambda: client.has_room("room"),
        lambda: client.delete_room("room"),
        lambda: client.extend_meeting("room", END),
        client.list_webhooks,
        lambda: client.register_webhook("https://x", "s"),
        lambda: client.delete_webhook("1"),
        client.list_recordings,
        lambda: client.get_recording("1"),
        lambda: client.recording_link("1"),
        lambda: client.delete_recording("1"),
        lambda: client.start_recording("room", "cloud", "1"),
        client.recording_store,
        lambda: client.is_signed(b"", "", None),
        lambda: client.verify_webhook_signature(b"", ""),
        lambda: client.summarize_webhook(b""),
        lambda: client.parse_webhook(b""),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_credentials_do_not_show_when_things_are_printed():
    config = VideoPlatformConfig.from_options(
        "acme",
        {
            "api_key": "hidden-1",
            "webhook_secrets": ["hidden-2"],
            "aws_access_key_id": "hidden-3",
            "aws_access_key_secret": "hidden-4",
            "more": "hidden-5",
        },
    )
    meeting = MeetingData("1", "/r", "https://x/r", "https://x/r?hidden-6", "acme")
    assert "hidden" not in repr(config)
    assert "hidden" not in repr(meeting)
