from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from rooms.keyring import WrongKey
from rooms.models.sealed import Sealed, SealedField


class Command(BaseCommand):
    help = "Encrypts what is stored with the first of FIELD_ENCRYPTION_KEYS; the others can then be taken away."

    def handle(self, **options: Any) -> None:
        rotated = failed = 0
        for model in apps.get_models():
            names = [field.attname for field in model._meta.concrete_fields if isinstance(field, SealedField)]
            for pk in model._base_manager.values_list("pk", flat=True) if names else ():
                try:
                    rotated += rotate(model, pk, names)
                except WrongKey:
                    failed += 1
                    self.stderr.write(f"{model._meta.label} {pk}: written with a key that is not here")
        self.stdout.write(f"Encrypted with the first key: {rotated}.")
        if failed:
            raise CommandError(f"Not to be read with any key: {failed}.")


def rotate(model: type[models.Model], pk: Any, names: list[str]) -> bool:
    """Whether there was anything to encrypt. The row is locked, so that no change made meanwhile is undone."""
    with transaction.atomic():
        row = model._base_manager.select_for_update().filter(pk=pk).first()
        stored = {name: value for name in names if row and (value := row.__dict__[name])}
        values = {name: value.rotated() if isinstance(value, Sealed) else value for name, value in stored.items()}
        if values:
            model._base_manager.filter(pk=pk).update(**values)
    return bool(values)
