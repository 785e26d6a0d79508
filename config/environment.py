"""Typed reading of environment variables: a bad value ends the start with one line that names the variable.

The value itself is never printed: it may be a secret that landed in the wrong variable.
"""

import ipaddress
import json
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.management.utils import get_random_secret_key

from config import env_file

# Variables whose values are secrets, or hold one; those that were read, for whatever must not tell them.
SECRET_NAME = re.compile(
    r"SECRET|PASSWORD|TOKEN|KEY|DSN$|HEADERS$|^(EMAIL|DATABASE|REDIS|CELERY_BROKER|NOTICE_WEBHOOK)_URL$"
)
secrets_read: set[str] = set()
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
MAKE_KEY = "`head -c 32 /dev/urandom | base64 | tr +/ -_` makes one"
KEY_LENGTH, KEY_VARIETY = 32, 5  # characters of a secret key in production, and different ones among them


def is_origin(value: str) -> bool:
    try:
        parts, port = urlsplit(value), urlsplit(value).port
    except ValueError:
        return False
    is_whole = bool(parts.hostname) and f"{parts.scheme}://{parts.netloc}" == value and "@" not in value
    return is_whole and parts.scheme in {"http", "https"} and port != 0


class Environment:
    """Variables of the process, of `ENV_FILE` where one exists, and `NAME_FILE` files for secrets."""

    def __init__(self, base: Path) -> None:
        self._values = environ.FileAwareEnv().ENVIRON
        file = base / os.environ.get("ENV_FILE", ".env")
        if file.is_file():
            self._read(file)

    def _read(self, file: Path) -> None:
        """Into the process's own environment, which goes first, so that what it starts has the same."""
        try:
            variables = env_file.read(file)
        except env_file.NotUnderstood as error:
            where = f", line {error.line}," if error.line else ""
            raise SystemExit(f"Settings: {file}{where} {error}.") from None
        except OSError:
            raise SystemExit(f"Settings: {file} cannot be read.") from None
        for name, value in variables.items():
            os.environ.setdefault(name, value)

    def refuse(self, name: str, problem: str) -> NoReturn:
        raise SystemExit(f"Settings: {name} {problem}.")

    def text(self, name: str, default: str = "") -> str:
        """The value as it stands, where `$` has no meaning; an empty one counts as not set."""
        try:
            value: str = self._values.get(name, "")
        except (OSError, ValueError):
            self.refuse(f"{name}_FILE", "must name a text file that can be read")
        if SECRET_NAME.search(name) and value.strip():
            secrets_read.add(value.strip())
        return value.strip() or default

    def both(self, first: str, second: str) -> bool:
        """Whether the two are set, of which one alone has no meaning."""
        given, missing = sorted([first, second], key=lambda name: not self.text(name))
        if self.text(given) and not self.text(missing):
            self.refuse(missing, f"must be set too, as {given} is")
        return bool(self.text(given))

    def boolean(self, name: str, default: bool) -> bool:
        word = self.text(name, str(default)).lower()
        if word not in TRUE_WORDS | FALSE_WORDS:
            self.refuse(name, "must be true or false")
        return word in TRUE_WORDS

    def integer(self, name: str, default: int, minimum: int = 0, maximum: int | None = None) -> int:
        try:
            number = int(self.text(name, str(default)))
        except ValueError:
            self.refuse(name, "must be a whole number")
        if number < minimum or (maximum is not None and number > maximum):
            bounds = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
            self.refuse(name, f"must be {bounds}")
        return number

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            self.refuse(name, f"must be one of {', '.join(choices)}")
        return value

    def words(self, name: str, default: str = "") -> list[str]:
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def url(self, name: str, default: str = "", schemes: tuple[str, ...] = ("http", "https")) -> str:
        return self._url(name, self.text(name, default), schemes)

    def server(self, name: str) -> str:
        """The address of a server, of which people often know the host alone."""
        value = self.text(name)
        return self._url(name, value if "://" in value or not value else f"https://{value}", ("http", "https"))

    def _url(self, name: str, value: str, schemes: tuple[str, ...]) -> str:
        value = value.rstrip("/")
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            valid = bool(parts.hostname) and parts.scheme in schemes and parts.port != 0 and value.split() == [value]
        except ValueError:
            valid = False
        if not valid:
            self.refuse(name, f"must be an address that starts with {' or '.join(s + '://' for s in schemes)}")
        return value

    def origin(self, name: str, default: str) -> str:
        """An address of which the path is empty: scheme, host and port."""
        value = self.url(name, default)
        if not is_origin(value):
            self.refuse(name, "must be an address without a path, as https://rooms.example.com")
        return value

    def origins(self, name: str) -> list[str]:
        """Comma-separated origins as browsers send them: scheme, host and port, with nothing after."""
        found = [word.rstrip("/") for word in self.words(name)]
        if not all(map(is_origin, found)):
            self.refuse(name, "must be origins such as https://app.example.com, separated by commas")
        return found

    def private_key(self, name: str) -> str:
        """An RSA key in PEM: the text, also in one line with \\n where its lines end, or the path of a file with it."""
        value = self.text(name)
        if not value:
            return ""
        try:
            pem = value.replace("\\n", "\n") if value.startswith("-----BEGIN") else Path(value).read_text()
            is_right = isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            is_right = False
        if not is_right:
            self.refuse(name, "must be an RSA private key in PEM, without a password, or the path of a file with one")
        return pem

    def networks(self, name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """Comma-separated addresses and networks."""
        try:
            return [ipaddress.ip_network(word) for word in self.words(name)]
        except ValueError:
            self.refuse(name, "must be addresses or networks, such as 10.0.0.0/8, separated by commas")

    def json_list(self, name: str, parse: Callable[[Any], str], of_what: str) -> list[str]:
        """A JSON array, each item passed through `parse`, which raises ValueError for a bad one."""
        try:
            items = json.loads(self.text(name, "[]"))
            if not isinstance(items, list):
                raise TypeError
            return [parse(item) for item in items]
        except (ValueError, TypeError, AttributeError):
            self.refuse(name, f'must be a JSON array of {of_what}, for example ["..."]')

    def database(self, name: str, default: str) -> dict[str, Any]:
        try:
            config: dict[str, Any] = environ.Env.db_url_config(self.text(name, default))
        except (ValueError, KeyError, environ.ImproperlyConfigured):
            config = {}
        known = config.get("ENGINE") in {"django.db.backends.postgresql", "django.db.backends.sqlite3"}
        # A database in memory would be another one for each process.
        if not known or config["NAME"] in {"", ":memory:"}:
            self.refuse(name, "must be sqlite:///<path> or postgres://<user>:<password>@<host>:<port>/<name>")
        return config

    def mail(self, name: str, default: str = "") -> dict[str, Any]:
        """Django's settings for sending e-mail; empty when the variable is."""
        value = self.text(name, default)
        if not value:
            return {}
        try:
            config: dict[str, Any] = environ.Env.email_url_config(value)
            known = value.startswith("consolemail:") or (value.startswith("smtp") and bool(config["EMAIL_HOST"]))
        except (ValueError, KeyError, environ.ImproperlyConfigured):
            known = False
        if not known:
            self.refuse(name, "must be smtp+tls://<user>:<password>@<host>:587, smtp+ssl://, smtp:// or consolemail://")
        return {name: value for name, value in config.items() if value}

    def make_folder(self, folder: Path, named_by: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            self.refuse(named_by, "must lie in a folder in which files can be made")

    def secret_key(self, name: str, debug: bool, keep_in: Path) -> str:
        """The given key; in development one that is generated once and kept in a file."""
        if given := self.text(name):
            if not debug and (len(given) < KEY_LENGTH or len(set(given)) < KEY_VARIETY):
                self.refuse(name, f"can be guessed; set a random value of {KEY_LENGTH} characters or more")
            return given
        if not debug:
            self.refuse(name, "is not set; set a long random value, or DEBUG=true on a development machine")
        return self._kept(keep_in, get_random_secret_key)

    def key_ring(self, name: str, keep_in: Path) -> list[str]:
        """The given keys of Fernet, the first of which encrypts; else one that is generated once and kept in a file."""
        keys = self.words(name) or [self._kept(keep_in, lambda: Fernet.generate_key().decode())]
        try:
            for key in keys:
                Fernet(key)
        except ValueError:
            self.refuse(name, f"must be keys of 32 random bytes in URL-safe base64, separated by commas; {MAKE_KEY}")
        return keys

    def _kept(self, keep_in: Path, make: Callable[[], str]) -> str:
        if not keep_in.exists():
            self.make_folder(keep_in.parent, "DATA_DIR")
            with tempfile.NamedTemporaryFile("w", dir=keep_in.parent) as draft:
                draft.write(make())
                draft.flush()
                with suppress(FileExistsError):  # another process was quicker: its key is the one
                    os.link(draft.name, keep_in)
        return keep_in.read_text()
