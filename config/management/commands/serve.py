import errno
import fcntl
import io
import multiprocessing
import os
import socket
import sys
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import connections

from config.loading import load_web, load_workers
from config.processes import EndsAtOnce, run, share
from config.static_files import collect_changed
from config.web.command import web_module
from meetings.simulated import end_simulated_meetings
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import create_platform_client, get_available_platforms, platform_label, why_unavailable
from rooms.selection import current_policy, select_platform

PORTS_TRIED = 50
LOOK_SECONDS = 1.0  # for which an answer of a web server is waited for
AS_ROOT = "You're running the worker with superuser privileges"


class Command(BaseCommand):
    help = "Prepare the data and keep everything running on this machine: web server, workers and the scheduler."
    requires_system_checks = "__all__"

    def handle(self, *args: Any, **options: Any) -> None:
        with alone_in(settings.DATA_DIR):
            self.use_free_ports()
            banner = Banner(self.prepare(), self.stdout)
            # Each worker would say it in eight lines, in a container that has no other user.
            warnings.filterwarnings("ignore", AS_ROOT)
            try:
                run(processes(), environment(), as_json=settings.LOG_FORMAT == "json", meanwhile=banner.show_if_up)
            except EndsAtOnce as error:
                raise CommandError(str(error)) from error
            finally:
                banner.show()

    def use_free_ports(self) -> None:
        """Begin anew with others where ports are taken that nobody chose: settings are made of them."""
        if moved := free_ports():
            for name, (taken, port) in moved.items():
                self.stdout.write(f"Port {taken} is in use: {name} is {port} this time.")
            self.stdout.flush()
            os.environ |= {name: str(port) for name, (_, port) in moved.items()}
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  (itself)

    def prepare(self) -> str:
        """What is to be shown when everything runs."""
        call_command("migrate", verbosity=0)
        forget_counts()
        if not settings.DEBUG:
            collect_changed()
        if settings.SANDBOX_ENABLED:
            by_itself(end_simulated_meetings)
        login = io.StringIO()
        call_command("ensure_admin", stdout=login)
        shown = "\n".join([*addresses(), login.getvalue()])
        load_web()
        load_workers()
        connections.close_all()
        share()
        return shown


class Banner:
    """Shown as soon as what it names answers, or at the end: it may have a password that is told this once."""

    def __init__(self, text: str, stream: OutputWrapper) -> None:
        self._text = text
        self._stream = stream

    def show_if_up(self) -> None:
        if self._text and all(map(answers, [settings.PORT, *sandbox_ports()])):
            self.show()

    def show(self) -> None:
        self._stream.write(self._text, ending="")
        self._stream.flush()
        self._text = ""


def answers(port: int) -> bool:
    """Whether there is a web server on this machine's port."""
    host = "127.0.0.1" if settings.HOST in {"", "::", "0.0.0.0"} else settings.HOST  # noqa: S104  (not bound here)
    connection = HTTPConnection(host, port, timeout=LOOK_SECONDS)
    try:
        connection.request("GET", "/health")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def sandbox_ports() -> list[int]:
    return [settings.SANDBOX_PORT] if settings.SANDBOX_ENABLED else []


def addresses() -> Iterator[str]:
    base = settings.PUBLIC_URL
    yield f"\nReflector Rooms on {base}   (Ctrl-C stops it)"
    yield f"  Rooms        {base}/"
    yield f"  Admin        {base}/admin/"
    yield f"  API          {base}/v1/schema/docs"
    yield f"  New meetings {where_meetings_open()}"
    yield f"  Transcripts  {what_transcribes()}"
    if settings.SANDBOX_ENABLED:
        played = ", ".join(map(platform_label, simulated_platforms()))
        yield f"  Sandbox      {settings.SANDBOX_URL}/controls   plays {played}"


def forget_counts() -> None:
    """What processes counted that are gone: each has files of its own, which would become ever more."""
    for file in (settings.DATA_DIR / "metrics").glob("*.db"):
        file.unlink()


def where_meetings_open() -> str:
    """In words, where a room opens for which nobody chose a platform."""
    try:
        selection = select_platform("", "", current_policy())
    except PlatformNotConfigured as error:
        return f"cannot open: {error}"
    return f"open on {platform_label(selection.platform)}. {selection.reason}"


def what_transcribes() -> str:
    match settings.RECORDING_PROCESSOR:
        case "null":
            return "none: RECORDING_PROCESSOR is null"
        case "sandbox":
            return "only tell of sounds; `make speech` installs what understands words"
        case "whisper":
            return "are made on this machine" + (", of English speech" if is_bundled_model() else "")
    return f"are made by {settings.RECORDING_PROCESSOR}"


def is_bundled_model() -> bool:
    model: str = settings.RECORDING_PROCESSORS["whisper"]["OPTIONS"]["model"]
    return bool(model == settings.SPEECH_MODEL)


def simulated_platforms() -> list[str]:
    usable = (name for name in get_available_platforms() if why_unavailable(name) is None)
    return [name for name in usable if create_platform_client(name).is_simulated]


def by_itself(work: Callable[[], object]) -> None:
    """Do it in a process of its own, as it may begin threads, which must not be here when others are forked."""
    connections.close_all()
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    if process.exitcode:
        raise CommandError("It cannot be started: the lines above say why.")


def environment() -> dict[str, str]:
    """What all processes get besides. What Celery would check when it starts was checked here."""
    return {"SANDBOX_WEBHOOK_SECRET": settings.SANDBOX_WEBHOOK_SECRET, "CELERY_SKIP_CHECKS": "true"}


def processes() -> dict[str, list[str]]:
    """By name, what follows `python -m`."""
    celery = ["celery", "--quiet", "-A", "config"]
    worker = [*celery, "worker", "--without-mingle", "--without-gossip"]
    return {
        **({"sandbox": sandbox_command()} if settings.SANDBOX_ENABLED else {}),
        "web": web_module(),
        # Quick work has workers of its own, so that a long download never delays an event.
        "quick": [*worker, "-Q", "quick", "-n", "quick@%h", "-c", "3"],
        # So has what waits for servers of others, such as calendars.
        "outbound": [*worker, "-Q", "outbound", "-n", "outbound@%h", "-c", "2"],
        "long": [*worker, "-Q", "long", "-n", "long@%h", "-c", "1"],
        # What people upload is transcribed by itself, so that it never delays a recording.
        "uploads": [*worker, "-Q", "uploads", "-n", "uploads@%h", "-c", "1"],
        "scheduler": [*celery, "beat"],
    }


def sandbox_command() -> list[str]:
    return [
        *("platforms.sandbox", "--port", str(settings.SANDBOX_PORT)),
        *("--storage-port", str(settings.SANDBOX_STORAGE_PORT), "--product", f"http://127.0.0.1:{settings.PORT}"),
    ]


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One machine's files are for one of these: a second one would do everything twice."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "serve.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"It runs already with the data in {folder}: set DATA_DIR for another one.") from None
        os.register_at_fork(after_in_child=file.close)  # what outlives this one for a moment holds up nobody
        yield


def free_ports() -> dict[str, tuple[int, int]]:
    """Of the ports that are in use and that nobody chose: by variable, that port and the next one that is free.

    Raises CommandError for one that was chosen, and for PORT where PUBLIC_URL was, which tells others of it.
    """
    wanted = {"PORT": settings.HOST}
    if settings.SANDBOX_ENABLED:
        wanted |= {"SANDBOX_PORT": "127.0.0.1", "SANDBOX_STORAGE_PORT": "127.0.0.1"}
    used: set[int] = {getattr(settings, name) for name in wanted}
    moved = {}
    for name, host in wanted.items():
        port: int = getattr(settings, name)
        try:
            require_free_port(host, port, name)
        except CommandError:
            if is_set(name) or (name == "PORT" and is_set("PUBLIC_URL")):
                raise
            moved[name] = (port, next_free_port(host, name, used))
            used.add(moved[name][1])
    return moved


def next_free_port(host: str, name: str, used: Collection[int]) -> int:
    first: int = getattr(settings, name) + 1
    for port in range(first, min(first + PORTS_TRIED, 65_536)):
        if port not in used:
            with suppress(CommandError):
                require_free_port(host, port, name)
                return port
    raise CommandError(f"Port {first - 1} and the next {PORTS_TRIED} are in use: set {name} to another one.")


def is_set(name: str) -> bool:
    """Lines of .env are in the process's environment by now."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def require_free_port(host: str, port: int, named_by: str) -> None:
    try:
        [(family, *_, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise CommandError(f"{host} is no address of this machine: set HOST to one.") from None
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise CommandError(f"{host} is no address of this machine: set HOST to one.") from error
            reason = "is in use" if error.errno == errno.EADDRINUSE else "cannot be used"
            raise CommandError(f"Port {port} {reason}: set {named_by} to another one.") from error
