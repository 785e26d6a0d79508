"""The keys under which secrets are kept in the database: FIELD_ENCRYPTION_KEYS, of which the first one encrypts.

They are not SECRET_KEY, which may be replaced at any time at the cost of a new login.
"""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class WrongKey(Exception):
    """What is stored was encrypted with a key that is not among FIELD_ENCRYPTION_KEYS."""

    def __init__(self) -> None:
        super().__init__("What is stored cannot be read: none of FIELD_ENCRYPTION_KEYS is the key it was written with.")


def encrypt(text: str) -> str:
    return _ring().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raises WrongKey."""
    try:
        return _ring().decrypt(token).decode()
    except InvalidToken:
        raise WrongKey from None


def rotate(token: str) -> str:
    """The same under the first key. Raises WrongKey."""
    try:
        return _ring().rotate(token).decode()
    except InvalidToken:
        raise WrongKey from None


def _ring() -> MultiFernet:
    return _made_ring(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=8)
def _made_ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
