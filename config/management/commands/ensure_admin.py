from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.utils.crypto import get_random_string


class Command(BaseCommand):
    help = "Make the first admin unless there is one; a generated password is shown this once."

    def handle(self, *args: Any, **options: Any) -> None:
        User = get_user_model()  # noqa: N806  (a class)
        admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if admin:
            self.stdout.write(
                f"Admin login: {admin.get_username()} (made earlier; new password: manage.py changepassword)"
            )
            return
        name = settings.FIRST_ADMIN["username"]
        if User.objects.filter(**{User.USERNAME_FIELD: name}).exists():
            self.stdout.write(f"Admin login: none; {name} is no active superuser (manage.py createsuperuser makes one)")
            return
        password = settings.FIRST_ADMIN["password"] or get_random_string(16)
        admin = User.objects.create_superuser(name, settings.FIRST_ADMIN["email"], password)
        shown = "as in DJANGO_SUPERUSER_PASSWORD" if settings.FIRST_ADMIN["password"] else password
        self.stdout.write(f"Admin login: {admin.get_username()} (to the API: {admin.email}), password: {shown}")
