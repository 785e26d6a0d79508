"""What a change of password ends besides sessions and tokens, which hang on it by themselves."""

from typing import Any

from django.utils.translation import gettext

from rooms.browsers import browsers_of, sign_out
from rooms.models import ApiKey


class EndsApiKeys:
    """One of AUTH_PASSWORD_VALIDATORS, as Django tells those of each change, wherever and by whatever it is made.

    It does not tell them when a login has a hash made anew with more rounds, which changes the stored text only.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Any password will do here."""

    def password_changed(self, password: str, user: Any = None) -> None:
        if user and user.pk:
            ApiKey.objects.filter(user=user).delete()
            sign_out(browsers_of(user))  # whose sessions count no more in any case

    def get_help_text(self) -> str:
        return gettext("A new password ends the API keys of the account, and its sessions elsewhere.")
