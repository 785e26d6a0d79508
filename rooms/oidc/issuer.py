"""Whether a token is the issuer's: by its published keys, which are fetched seldom and used on while it is away.

A key is used with its own algorithm alone, whatever a token names: so no token passes that is signed with nothing, or
with a public key taken for a secret.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import jwt

from platforms.exceptions import PlatformError
from platforms.http.client import ProviderAPI

logger = logging.getLogger(__name__)

LABEL = "The sign-in service"
DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
FETCH_SECONDS = 60.0  # between two fetches at least, whatever tokens come
KEYS_SECONDS = 600.0  # after which the keys are fetched again: one that was withdrawn is not used for longer
SKEW_SECONDS = 60  # by which clocks may differ
MOST_KEYS = 50
LEAST_RSA_BITS = 2048
LONGEST_SUBJECT = 255  # characters, as the specification says


class IssuerAway(Exception):
    """None of its keys is known, so that nothing can be said of a token."""


class NotUnderstood(PlatformError):
    """What the issuer publishes is not as the specification says."""


@dataclass(frozen=True)
class Key:
    id: str | None
    algorithm: str
    value: Any


@dataclass(frozen=True)
class Published:
    """What an issuer says of itself: its name as its tokens have it, its keys, and where people sign in, if it says."""

    name: str = ""
    keys: tuple[Key, ...] = ()
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    wants_secret_in_body: bool = False


class Issuer:
    """One for a process, shared by its threads."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._published = Published()
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = threading.Lock()

    def published(self) -> Published:
        """Raises IssuerAway."""
        self._fetch_if_due(is_old_after=KEYS_SECONDS)
        if not self._published.keys:
            raise IssuerAway
        return self._published

    def claims_of(self, token: str, audience: Sequence[str]) -> dict[str, Any]:
        """Of a token for one of that audience. Raises jwt.InvalidTokenError, and IssuerAway."""
        header = jwt.get_unverified_header(token)
        keys = self._keys_for(header.get("kid"), header.get("alg"))
        for key in keys:
            try:
                return self._decode(token, key, audience)
            except jwt.InvalidSignatureError:
                if key is keys[-1]:
                    raise
        raise jwt.InvalidTokenError("No such key is known.")

    def _decode(self, token: str, key: Key, audience: Sequence[str]) -> dict[str, Any]:
        claims = jwt.decode(
            token,
            key.value,
            algorithms=[key.algorithm],
            issuer=self._published.name,
            audience=audience,
            leeway=SKEW_SECONDS,
            options={"require": ["iss", "aud", "sub", "exp"]},
        )
        if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT or "\x00" in claims["sub"]:
            raise jwt.InvalidTokenError("No account can have this subject.")
        return claims

    def _keys_for(self, key_id: str | None, algorithm: str | None) -> list[Key]:
        if algorithm not in ALGORITHMS.values():
            raise jwt.InvalidAlgorithmError("This algorithm is not used.")
        self._fetch_if_due(is_old_after=KEYS_SECONDS)
        found = self._known(key_id, algorithm)
        if not found:
            self._fetch_if_due(is_old_after=0)
            found = self._known(key_id, algorithm)
        if not self._published.keys:
            raise IssuerAway
        return found

    def _known(self, key_id: str | None, algorithm: str | None) -> list[Key]:
        return [key for key in self._published.keys if key.algorithm == algorithm and key_id in {None, key.id}]

    def _fetch_if_due(self, is_old_after: float) -> None:
        """Those who have keys do not wait for somebody else's fetch."""
        if time.monotonic() - self._fetched_at < is_old_after or not self._may_fetch():
            return
        if not self._lock.acquire(blocking=not self._published.keys):
            return
        try:
            if self._may_fetch():
                self._tried_at = time.monotonic()
                self._published = fetch(self._address)
                self._fetched_at = time.monotonic()
        except PlatformError as error:
            logger.warning("oidc_keys_not_fetched error=%s", error)
        finally:
            self._lock.release()

    def _may_fetch(self) -> bool:
        return time.monotonic() - self._tried_at >= FETCH_SECONDS


@lru_cache(maxsize=4)
def issuer_at(address: str) -> Issuer:
    return Issuer(address)


def fetch(address: str) -> Published:
    """Raises PlatformError."""
    document = _get(address, DISCOVERY)
    name, place = document.get("issuer"), document.get("jwks_uri")
    if not isinstance(name, str) or name.rstrip("/") != address:
        raise NotUnderstood(f"{LABEL} calls itself by another address than OIDC_ISSUER.")
    if not isinstance(place, str) or urlsplit(place).scheme != urlsplit(address).scheme:
        raise NotUnderstood(f"{LABEL} names no address of keys.")
    published = _get(place, "").get("keys")
    keys = tuple(_usable(published if isinstance(published, list) else []))
    if not keys:
        raise NotUnderstood(f"{LABEL} publishes no key that can be used.")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Published(
        name,
        keys,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", address),
        token_endpoint=_endpoint(document, "token_endpoint", address),
        wants_secret_in_body=isinstance(methods, list) and "client_secret_basic" not in methods,
    )


def _endpoint(document: dict[str, Any], name: str, address: str) -> str:
    found = document.get(name)
    return found if isinstance(found, str) and urlsplit(found).scheme == urlsplit(address).scheme else ""


def _get(address: str, path: str) -> dict[str, Any]:
    answer = ProviderAPI("", LABEL, address).request("GET", path, repeatable=False)
    return answer if isinstance(answer, dict) else {}


def _usable(published: list[Any]) -> Iterator[Key]:
    for one in published[:MOST_KEYS]:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        algorithm = ALGORITHMS.get((one.get("kty", ""), None if one.get("kty") == "RSA" else one.get("crv")))
        if algorithm is None or one.get("alg", algorithm) != algorithm:
            continue
        try:
            value = jwt.PyJWK.from_dict(one, algorithm).key
        except jwt.PyJWTError:
            continue
        if algorithm != "RS256" or value.key_size >= LEAST_RSA_BITS:
            yield Key(one.get("kid"), algorithm, value)
