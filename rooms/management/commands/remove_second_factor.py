from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q

from platforms.audit import trail
from platforms.models import AuditEntry
from rooms import second_factor
from rooms.browsers import browsers_of, sign_out


class Command(BaseCommand):
    help = "Take the second factor off an account whose owner lost it, and sign the account out everywhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="The account's user name or e-mail address.")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        users = list(get_user_model().objects.filter(Q(username=name) | Q(email__iexact=name))[:2])
        if not users:
            raise CommandError(f"There is no account {name}.")
        if len(users) > 1:
            raise CommandError(f"Several accounts have the address {name}: give the user name.")
        with transaction.atomic():
            if not second_factor.turn_off(users[0]):
                raise CommandError(f"{users[0].get_username()} has no second factor.")
            sign_out(browsers_of(users[0]))
        trail.add_command(AuditEntry.Action.CHANGED, "account", str(users[0].pk), what="second factor, off")
        self.stdout.write(f"The second factor of {users[0].get_username()} is off; its browsers are signed out.")
