from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from platforms.abilities import WebhookRegistration, Webhooks
from platforms.exceptions import PlatformError, PlatformRejected
from platforms.handler import (
    create_platform_client,
    get_available_platforms,
    get_platform_client_class,
    get_platform_config,
    why_unavailable,
)
from platforms.webhooks import subscriptions

ACTIONS = {
    "list": "Show the webhooks that the platform has, and which one is this server's.",
    "register": "Have the platform send its events here; may be run again at any time.",
    "verify": "Tell whether the platform sends everything here; the exit code is 1 when it does not.",
    "rotate": "Change the secret without refusing an event: make a new one, then --apply it.",
    "delete": "Delete a webhook, so that the platform stops sending.",
}


class Command(BaseCommand):
    help = "The webhooks by which a platform says what happens in its rooms."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="action")
        for action, text in ACTIONS.items():
            options = actions.add_parser(action, help=text, description=text)
            options.add_argument("--platform", default="", help="may be left out where one platform only is set up")
            options.add_argument("--url", default="", help="default: PUBLIC_URL/v1/<platform>/webhook")
            if action == "register":
                options.add_argument("--allow-http", action="store_true", help="take an address that is not public")
                options.add_argument("--replace", default="", metavar="ID", help="take over this other webhook")
            if action == "rotate":
                options.add_argument(
                    "--apply", action="store_true", help="have the platform sign with the first secret"
                )
            if action == "delete":
                options.add_argument("id", help="as `list` shows it")
                options.add_argument("--yes", action="store_true", help="do not ask")
                options.add_argument("--force", action="store_true", help="even if it is another server's")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name = options["platform"] or only_platform()
            url = options["url"] or subscriptions.webhook_url(name)
            if options["action"] == "register" and not options["allow_http"]:
                require_public(url)
            if issubclass(get_platform_client_class(name), WebhookRegistration):
                client = create_platform_client(name).require(WebhookRegistration)
                getattr(self, f"do_{options['action']}")(client, url, options)
            else:
                self.explain(name, url, options["action"])
        except PlatformError as error:
            raise CommandError(str(error)) from error

    def explain(self, name: str, url: str, action: str) -> None:
        """For a platform that offers no call for it: what to do by hand."""
        client = get_platform_client_class(name)(get_platform_config(name))
        if not isinstance(client, Webhooks):
            raise CommandError(f"{client.label} sends no webhooks.")
        self.stdout.write(client.webhook_instructions(url))
        if action == "rotate":
            variable = subscriptions.secret_variable(name)
            self.stdout.write(f"While the secret changes, both are valid: {variable}=<new>,<what it holds now>")
        if action in {"verify", "delete"}:
            raise CommandError(f"{client.label} lets nobody {action} a webhook by a call: use its dashboard.")

    def do_list(self, client: WebhookRegistration, url: str, options: dict[str, Any]) -> None:
        ours = our_urls(client, options)
        listed = client.list_webhooks()
        for subscription in listed:
            mark = "this server" if subscription.url in ours else "another server"
            self.stdout.write(f"{subscription.id}  {subscription.state}  {mark}")
            self.stdout.write(f"    url      {subscription.url}")
            self.stdout.write(f"    retries  {subscription.retry_type or '-'}")
            self.stdout.write(f"    events   {', '.join(subscription.event_types) or '-'}")
        if not listed:
            self.stdout.write(f"{client.label} has no webhook.")

    def do_register(self, client: WebhookRegistration, url: str, options: dict[str, Any]) -> None:
        if not client.config.webhook_secrets:
            variable = subscriptions.secret_variable(client.name)
            self.stdout.write(f"{variable} is not set. With a new secret it is:\n\n")
            self.stdout.write(f"{variable}={client.new_webhook_secret()}\n\n")
            raise CommandError(
                f"Nothing was registered yet: put that line into the environment, restart, and run this again. "
                f"{client.label} tries {url} out by a request signed with the secret."
            )
        try:
            subscription = subscriptions.register(client, url, options["replace"])
        except PlatformRejected as error:
            raise CommandError(
                f"{error}\n{client.label} tries the address out: "
                f"{url} must be reachable from outside and answer 200 at once."
            ) from error
        self.stdout.write(f"Registered: webhook {subscription.id} ({subscription.state}) sends to {subscription.url}")

    def do_verify(self, client: WebhookRegistration, url: str, options: dict[str, Any]) -> None:
        subscription = subscriptions.find(client.list_webhooks(), our_urls(client, options))
        if subscription is None:
            raise CommandError(f"No webhook of {client.label} points at {url}.")
        if wrong := subscriptions.problems(client, subscription):
            raise CommandError(f"Webhook {subscription.id} points here, but " + "; ".join(wrong) + ".")
        self.stdout.write(f"Webhook {subscription.id} sends every event to {subscription.url}")

    def do_rotate(self, client: WebhookRegistration, url: str, options: dict[str, Any]) -> None:
        variable = subscriptions.secret_variable(client.name)
        if options["apply"]:
            subscription = subscriptions.rotate(client, our_urls(client, options))
            self.stdout.write(f"Webhook {subscription.id} is signed with the first secret of {variable} from now on.")
            self.stdout.write("Keep the others for a day, for what was sent before; then take them out and restart.")
            return
        if not client.config.webhook_secrets:
            raise CommandError(f"{variable} is not set: there is no secret to change yet. Use `register`.")
        self.stdout.write(f"A new secret, to be put in front of what {variable} holds now:\n\n")
        self.stdout.write(f"{variable}={client.new_webhook_secret()},<what it holds now>\n\n")
        self.stdout.write("Restart every web process with it: both secrets are valid from then on. Then run:")
        self.stdout.write(f"    manage.py webhooks rotate --platform {client.name} --apply")

    def do_delete(self, client: WebhookRegistration, url: str, options: dict[str, Any]) -> None:
        address = subscriptions.require_ours(client, options["id"], our_urls(client, options), options["force"])
        if not options["yes"] and not confirmed(f"Delete {options['id']}? Nothing is sent to {address} then. [y/N] "):
            raise CommandError("Nothing was deleted.")
        client.delete_webhook(options["id"])
        self.stdout.write(f"Deleted: {options['id']} ({address})")


def our_urls(client: WebhookRegistration, options: dict[str, Any]) -> set[str]:
    return {options["url"]} if options["url"] else subscriptions.our_urls(client)


def only_platform() -> str:
    """The one platform that is set up; with several the choice is the caller's."""
    ready = [name for name in get_available_platforms() if why_unavailable(name) is None]
    if len(ready) == 1:
        return ready[0]
    raise CommandError(f"Pass --platform: one of {', '.join(ready or get_available_platforms())}.")


def require_public(url: str) -> None:
    if not subscriptions.is_public(url):
        raise CommandError(
            f"{url} is not an https address that a platform could reach: set PUBLIC_URL to this server's public "
            "address, or pass --url. For a provider on this machine pass --allow-http."
        )


def confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False
