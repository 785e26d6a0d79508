import errno
import os
import shlex
import signal
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from honcho import manager as honcho

from meetings.simulated import end_simulated_meetings
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import create_platform_client, get_available_platforms, platform_label, why_unavailable
from rooms.selection import current_policy, select_platform

ENDING = 20  # seconds until what has not ended by then is killed; workers take some even without anything to do


class Command(BaseCommand):
    help = "Prepare the data and run everything on this machine: web server, workers and the clock."
    requires_system_checks = "__all__"

    def handle(self, *args: Any, **options: Any) -> None:
        require_free_port(settings.HOST, settings.PORT, "PORT")
        if settings.SANDBOX_ENABLED:
            require_free_port("127.0.0.1", settings.SANDBOX_PORT, "SANDBOX_PORT")
            require_free_port("127.0.0.1", settings.SANDBOX_STORAGE_PORT, "SANDBOX_STORAGE_PORT")
        call_command("migrate", verbosity=0)
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
        if settings.SANDBOX_ENABLED:
            end_simulated_meetings()
        self.show_addresses()
        call_command("ensure_admin", stdout=self.stdout)
        sys.exit(run_processes(processes()))

    def show_addresses(self) -> None:
        base = settings.PUBLIC_URL
        self.stdout.write(f"\nReflector Rooms on {base}   (Ctrl-C stops it)")
        self.stdout.write(f"  Rooms        {base}/")
        self.stdout.write(f"  Admin        {base}/admin/")
        self.stdout.write(f"  API          {base}/v1/schema/docs")
        self.stdout.write(f"  New meetings {where_meetings_open()}")
        if settings.SANDBOX_ENABLED:
            played = ", ".join(map(platform_label, simulated_platforms()))
            self.stdout.write(f"  Sandbox      {settings.SANDBOX_URL}/controls   plays {played}")


def where_meetings_open() -> str:
    """In words, where a room opens for which nobody chose a platform."""
    try:
        selection = select_platform("", "", current_policy())
    except PlatformNotConfigured as error:
        return f"cannot open: {error}"
    return f"open on {platform_label(selection.platform)}. {selection.reason}"


def simulated_platforms() -> list[str]:
    usable = (name for name in get_available_platforms() if why_unavailable(name) is None)
    return [name for name in usable if create_platform_client(name).is_simulated]


def processes() -> dict[str, str]:
    python = shlex.quote(sys.executable)
    celery = f"{python} -m celery --quiet -A config"
    level = settings.LOG_LEVEL
    sandbox = (
        f"{python} -m platforms.sandbox --port {settings.SANDBOX_PORT} --storage-port {settings.SANDBOX_STORAGE_PORT}"
        f" --product http://127.0.0.1:{settings.PORT}"
    )
    return {
        **({"sandbox": sandbox} if settings.SANDBOX_ENABLED else {}),
        "web": f"{python} -m granian --interface wsgi --host {settings.HOST} --port {settings.PORT} --no-ws"
        f" --workers {settings.WEB_PROCESSES} --blocking-threads {settings.WEB_THREADS} --log-level error"
        " config.wsgi:application",
        # Quick work has workers of its own, so that a long download never delays an event.
        "quick": f"{celery} worker -Q quick -n quick@%h -c 3 -l {level} --without-mingle --without-gossip",
        "long": f"{celery} worker -Q long -n long@%h -c 1 -l {level} --without-mingle --without-gossip",
        "clock": f"{celery} beat -l {level}",
    }


def run_processes(commands: dict[str, str]) -> int:
    """Run until one ends or a signal comes; then all end. The exit code is that of the first to end, 0 on a signal."""
    honcho.KILL_WAIT = ENDING
    manager = honcho.Manager()
    environment = {**os.environ, "SANDBOX_WEBHOOK_SECRET": settings.SANDBOX_WEBHOOK_SECRET}
    for name, command in commands.items():
        manager.add_process(name, command, env=environment)
    manager.loop()
    stopped_by_hand = manager.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if stopped_by_hand else int(manager.returncode or 0)


def require_free_port(host: str, port: int, named_by: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else "cannot be used"
            raise CommandError(f"Port {port} {reason}: set {named_by} to another one.") from error
