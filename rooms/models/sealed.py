"""Model fields whose text is encrypted in the database.

A row is loaded as it is stored, and read when the attribute is: rows that nobody asks for their secrets cost nothing,
and can be used, and saved, though the key is not there. Such a column can be asked whether it is empty, and no more.
"""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from rooms import keyring

PREFIX = "fernet:"

if TYPE_CHECKING:
    AnyField = models.Field[Any, Any]
    URLField = models.URLField[Any, Any]
    TextField = models.TextField[Any, Any]
else:
    AnyField, URLField, TextField = object, models.URLField, models.TextField


class Sealed:
    """A text as it is stored. It is never taken for the text itself: see `open`."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._text: str | None = None

    def open(self) -> str:
        """Raises WrongKey."""
        if self._text is None:
            self._text = keyring.decrypt(self.token)
        return self._text

    def rotated(self) -> "Sealed":
        """The same under the first key. Raises WrongKey."""
        return Sealed(keyring.rotate(self.token))

    def __repr__(self) -> str:
        return "<sealed>"


class _Attribute(DeferredAttribute):
    def __get__(self, instance: Any, cls: Any = None) -> Any:
        stored = {} if instance is None else instance.__dict__
        name = self.field.attname
        value = stored[name] if name in stored else super().__get__(instance, cls)
        return value.open() if isinstance(value, Sealed) else value

    def __set__(self, instance: Any, value: Any) -> None:
        """That there is such a method makes Python ask the one above also for what was set."""
        instance.__dict__[self.field.attname] = value


class SealedField(AnyField):
    """Goes before a field of text."""

    descriptor_class = _Attribute

    def get_internal_type(self) -> str:
        """The stored text is longer than the text itself."""
        return "TextField"

    def from_db_value(self, value: str | None, *args: Any) -> Any:
        """What was stored before there was encryption is there as it is, until its row is saved or rotated."""
        return Sealed(value.removeprefix(PREFIX)) if value and value.startswith(PREFIX) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return model_instance.__dict__.get(self.attname)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if isinstance(value, Sealed):
            return PREFIX + value.token
        return PREFIX + keyring.encrypt(value) if value and isinstance(value, str) else value


def is_set(instance: models.Model, name: str) -> bool:
    """Whether anything is stored there; needs no key."""
    return bool(instance.__dict__[name] if name in instance.__dict__ else getattr(instance, name))


class SealedURLField(SealedField, URLField):
    pass


class SealedTextField(SealedField, TextField):
    pass
