"""Webhook subscriptions: where a provider sends its events, and how this server stays the one that gets them.

The `webhooks` command and the watch on the beat call these. All raise PlatformError for what the provider says no
to, and SubscriptionRefused for what would harm somebody else's webhook. The network is never called in a transaction.
"""

import logging
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F

from platforms.abilities import WebhookRegistration, Webhooks
from platforms.exceptions import PlatformError
from platforms.handler import create_platform_client, get_available_platforms, platform_label, why_unavailable
from platforms.health import notices
from platforms.http import addresses
from platforms.models import StaffNotice
from platforms.types import WebhookSubscription

logger = logging.getLogger(__name__)

PRIVATE_NAMES = (".local", ".internal", ".test", ".invalid")
SILENT_FAILURES = 3  # checks in a row that may fail before staff are told


class SubscriptionRefused(PlatformError):
    """What was asked cannot be done as things are, or would take another server's webhook; the text says what to do."""


# Addresses and secrets


def webhook_url(name: str) -> str:
    """The address at which this server takes the webhooks of a platform."""
    return f"{settings.PUBLIC_URL}/v1/{name}/webhook"


def our_urls(client: Webhooks) -> set[str]:
    """Every address of this server that serves the platform's webhooks."""
    paths = [f"v1/{client.name}/webhook", *(f"v1/{path.strip('/')}" for path in client.webhook_paths)]
    # Platforms that are played on this machine send there.
    bases = [settings.PUBLIC_URL, *([f"http://127.0.0.1:{settings.PORT}"] if client.is_simulated else [])]
    return {f"{base}/{path}" for base in bases for path in paths}


def is_public(url: str) -> bool:
    """Whether a provider could reach the address at all: https, and not a name or number of a private network."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or not addresses.is_public_host(host):
        return False
    is_known_everywhere = "." in host and not host.endswith(PRIVATE_NAMES)
    return is_known_everywhere or addresses.literal_address(host) is not None


def secret_variable(name: str) -> str:
    """The environment variable that holds the webhook secrets, the first of which signs."""
    return f"{name.upper().replace('-', '_')}_WEBHOOK_SECRET"


# What staff do by command


def find(listed: Sequence[WebhookSubscription], urls: Collection[str]) -> WebhookSubscription | None:
    """The subscription that points at one of `urls`, a working one first."""
    return max((s for s in listed if s.url in urls), key=lambda s: s.is_active, default=None)


def register(client: WebhookRegistration, url: str, replace: str = "") -> WebhookSubscription:
    """Have events sent to `url`, signed with the first secret; one that points there already is updated and re-armed.

    Another address is taken over only where `replace` names the subscription.
    """
    secret = _secrets(client)[0]
    target = _to_replace(client, client.list_webhooks(), url, replace)
    return client.register_webhook(url, secret, replace=target)


def rotate(client: WebhookRegistration, urls: Collection[str]) -> WebhookSubscription:
    """Have events signed with the first secret from now on; what was signed with the others stays valid."""
    if len(_secrets(client)) < 2:
        raise SubscriptionRefused(
            f"{secret_variable(client.name)} holds one secret only, so that events signed with the other one would be "
            "refused: put both there, the new one first, and restart.",
            client.name,
        )
    subscription = find(client.list_webhooks(), urls)
    if subscription is None:
        raise SubscriptionRefused(f"No webhook of {client.label} points here: register it first.", client.name)
    return client.register_webhook(subscription.url, client.config.webhook_secrets[0], replace=subscription.id)


def require_ours(client: WebhookRegistration, subscription_id: str, urls: Collection[str], force: bool = False) -> str:
    """The address of the subscription, if it may be deleted: another server's only by `force`."""
    listed = client.list_webhooks()
    url = _known(client, listed, subscription_id).url
    if url not in urls and not force:
        raise SubscriptionRefused(
            f"{subscription_id} points at {url}, which is not this server: deleting it silences another one. "
            "Pass --force if that is meant.",
            client.name,
        )
    return url


def problems(client: WebhookRegistration, subscription: WebhookSubscription) -> list[str]:
    """What keeps a subscription from delivering all that it should; empty for one that is right."""
    found = []
    if not subscription.is_active:
        found.append(f"it is {subscription.state or 'not active'}: nothing is sent")
    if subscription.has_known_secret is False:
        found.append(f"it signs with a secret that is not in {secret_variable(client.name)}: every event is refused")
    if lacking := [event for event in client.webhook_event_types if event not in subscription.event_types]:
        found.append(f"it does not deliver {', '.join(lacking)}")
    if client.webhook_retry_type not in {"", subscription.retry_type}:
        found.append(f"it retries by {subscription.retry_type or 'default'}, not by {client.webhook_retry_type}")
    return found


def _to_replace(client: WebhookRegistration, listed: Sequence[WebhookSubscription], url: str, replace: str) -> str:
    """The id of the subscription to change, or "" to make one."""
    ours = find(listed, {url})
    if replace:
        _known(client, listed, replace)
        if ours and ours.id != replace:
            raise SubscriptionRefused(
                f"{ours.id} points at {url} already: a second one would deliver every event twice.", client.name
            )
        return replace
    if ours:
        return ours.id
    if listed:
        others = ", ".join(f"{s.id} ({s.url})" for s in listed)
        raise SubscriptionRefused(
            f"{client.label} sends its webhooks elsewhere: {others}. Where an account has one webhook only, taking it "
            "stops the events of that other server; use an account of its own for each, or pass --replace <id>.",
            client.name,
        )
    return ""


def _known(
    client: WebhookRegistration, listed: Sequence[WebhookSubscription], subscription_id: str
) -> WebhookSubscription:
    for subscription in listed:
        if subscription.id == subscription_id:
            return subscription
    ids = ", ".join(s.id for s in listed) or "none"
    raise SubscriptionRefused(f"{client.label} has no webhook {subscription_id}; it has: {ids}.", client.name)


def _secrets(client: WebhookRegistration) -> tuple[str, ...]:
    if not client.config.webhook_secrets:
        raise SubscriptionRefused(f"{secret_variable(client.name)} is not set.", client.name)
    return client.config.webhook_secrets


# The watch


def check_subscriptions() -> None:
    """Re-arm what a provider has stopped, and tell staff what is wrong; safe at any time and in several workers."""
    for name in get_available_platforms():
        check_subscription(name)


def check_subscription(name: str) -> None:
    if not is_watched(name):
        notices.resolve(_stopped(name), _unchecked(name))
        return
    try:
        _check(create_platform_client(name).require(WebhookRegistration))
    except PlatformError as error:
        logger.warning("webhook_check_failed platform=%s error=%s", name, type(error).__name__)
        text = f"The webhook of {platform_label(name)} could not be checked: {error}"
        notices.report(_unchecked(name), text, shown_after=SILENT_FAILURES)
    else:
        notices.resolve(_unchecked(name))


def is_watched(name: str) -> bool:
    """Whether there is a webhook that is this server's to keep."""
    if why_unavailable(name):
        return False
    client = create_platform_client(name)
    if not (client.is_simulated or is_public(webhook_url(name))):
        return False
    return client.supports_webhook_registration and bool(client.config.webhook_secrets)


def standing_problems() -> dict[str, str]:
    """By platform, what keeps its webhooks from arriving, in the words of the last check; by one query."""
    texts = StaffNotice.objects.filter(resolved_at=None, key__regex="^webhook(-unchecked)?:")
    shown = texts.filter(sightings__gte=F("shown_after")).values_list("key", "text")
    return {key.partition(":")[2]: text for key, text in shown}


def _check(client: WebhookRegistration) -> None:
    subscription = find(client.list_webhooks(), our_urls(client))
    if subscription is None:
        # Not made here: the account may serve another server now, and taking its webhook would silence that one.
        logger.warning("webhook_missing platform=%s", client.name)
        notices.report(
            _stopped(client.name),
            f"No webhook of {client.label} points at this server: events arrive late, by polling only. "
            f"Run: manage.py webhooks register --platform {client.name}",
        )
    elif not subscription.is_active:
        notices.report(_stopped(client.name), _rearm(client, subscription))
    elif wrong := problems(client, subscription):
        text = f"The webhook of {client.label} is not as it should be: {'; '.join(wrong)}."
        notices.report(_stopped(client.name), f"{text} Run: manage.py webhooks register --platform {client.name}")
    else:
        notices.resolve(_stopped(client.name))


def _rearm(client: WebhookRegistration, subscription: WebhookSubscription) -> str:
    """Have the provider send again; what happened, as a sentence for staff."""
    stopped = f"{client.label} stopped sending webhooks (state {subscription.state})"
    where = (client.name, subscription.id, subscription.state)
    try:
        client.register_webhook(subscription.url, client.config.webhook_secrets[0], replace=subscription.id)
    except PlatformError as error:
        logger.warning("webhook_rearm_failed platform=%s subscription=%s state=%s", *where)
        return f"{stopped}, and could not be told to send again: {error}"
    logger.warning("webhook_rearmed platform=%s subscription=%s state=%s", *where)
    return f"{stopped} and was told to send again; what it did not send meanwhile is caught up with by polling."


def _stopped(name: str) -> str:
    return f"webhook:{name}"


def _unchecked(name: str) -> str:
    return f"webhook-unchecked:{name}"
