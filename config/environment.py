"""Typed reading of environment variables: a bad value ends the start with one line that names the variable.

The value itself is never printed: it may be a secret that landed in the wrong variable.
"""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ
from django.core.management.utils import get_random_secret_key

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}


class Environment:
    """Variables of the process, of `ENV_FILE` where one exists, and `NAME_FILE` files for secrets."""

    def __init__(self, base: Path) -> None:
        self._values = environ.FileAwareEnv().ENVIRON
        env_file = base / os.environ.get("ENV_FILE", ".env")
        if env_file.is_file():
            environ.Env.read_env(str(env_file))

    def refuse(self, name: str, problem: str) -> NoReturn:
        raise SystemExit(f"Settings: {name} {problem}.")

    def text(self, name: str, default: str = "") -> str:
        """The value as it stands, where `$` has no meaning; an empty one counts as not set."""
        try:
            value: str = self._values.get(name, "")
        except (OSError, ValueError):
            self.refuse(f"{name}_FILE", "must name a text file that can be read")
        return value.strip() or default

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
        value = self.text(name, default).rstrip("/")
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

    def make_folder(self, folder: Path, named_by: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            self.refuse(named_by, "must lie in a folder in which files can be made")

    def secret_key(self, name: str, debug: bool, keep_in: Path) -> str:
        """The given key; in development one that is generated once and kept in a file."""
        if given := self.text(name):
            return given
        if not debug:
            self.refuse(name, "is not set; set a long random value, or DEBUG=true on a development machine")
        if not keep_in.exists():
            self.make_folder(keep_in.parent, "DATA_DIR")
            with tempfile.NamedTemporaryFile("w", dir=keep_in.parent) as draft:
                draft.write(get_random_secret_key())
                draft.flush()
                with suppress(FileExistsError):  # another process was quicker: its key is the one
                    os.link(draft.name, keep_in)
        return keep_in.read_text()
