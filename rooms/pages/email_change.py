"""Another e-mail address for an account: it counts once somebody has opened a link that was mailed to it.

By its address an account is logged in to, named as a co-owner, given another password, and found by who comes from an
OpenID Connect issuer. So nobody may take one that is not theirs, and nobody with another's session one of their own.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext

LIFETIME = timedelta(days=1)
SALT = "rooms.email_change"


def send_link(user: Any, email: str) -> None:
    """Raises OSError."""
    # It ends with the password, and with the address that it is to replace.
    facts = [user.pk, user.email, email, user.get_session_auth_hash()[:32]]
    context = {"user": user, "site": settings.PUBLIC_URL, "token": signing.dumps(facts, salt=SALT)}
    body = render_to_string("registration/email_mail.txt", context)
    send_mail(gettext("Your e-mail address at Reflector Rooms"), body, None, [email])


def confirm(user: Any, token: str) -> bool:
    """Whether it was a link of this account that still counts; then the address is theirs."""
    try:
        facts = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return False
    with transaction.atomic():
        held = get_user_model().objects.select_for_update().get(pk=user.pk)
        pk, before, email, fingerprint = facts
        if [pk, before, fingerprint] != [held.pk, held.email, held.get_session_auth_hash()[:32]]:
            return False
        held.email = email
        held.save(update_fields=["email"])
    return True
