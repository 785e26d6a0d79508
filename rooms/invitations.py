"""Inviting people: by a signed link, which staff send or have mailed, and which counts once and for a week."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from platforms.visible import visible
from rooms import co_owners
from rooms.models import Invitation

SALT = "rooms.invitations"


def link_to(invitation: Invitation) -> str:
    token = signing.dumps(invitation.pk.hex, salt=SALT)
    return f"{settings.PUBLIC_URL}{reverse('invitation-link', args=[token])}"


def key_in(token: str) -> UUID | None:
    """Of which invitation the link is; None where it is not from here."""
    try:
        return UUID(signing.loads(token, salt=SALT))
    except signing.BadSignature:
        return None


def send(invitation: Invitation) -> None:
    """Mail the link. Raises OSError."""
    by = invitation.invited_by
    name = visible(by.get_full_name()) or by.get_username() if by else gettext("Somebody")
    context = {"invitation": invitation, "by": name, "link": link_to(invitation)}
    body = render_to_string("registration/invitation_mail.txt", context)
    send_mail(gettext("You are invited to Reflector Rooms"), body, None, [invitation.email])


def accounts_with(email: str) -> QuerySet[Any]:
    return get_user_model()._default_manager.filter(email__iexact=email)


def find_open(key: Any) -> Invitation | None:
    """None for one that is used, revoked or too old, and where the address has got an account in another way."""
    invitation = Invitation.objects.select_related("room", "invited_by").filter(pk=key).first() if key else None
    if invitation is None or invitation.state != Invitation.State.OPEN or accounts_with(invitation.email).exists():
        return None
    return invitation


def new_user(invitation: Invitation) -> Any:
    """As it is to be saved. The address is the user name, unless somebody has that."""
    users = get_user_model()
    name = invitation.email[:150]
    is_free = not users._default_manager.filter(username__iexact=name).exists()
    return users(username=name if is_free else f"invited-{invitation.pk.hex}", email=invitation.email)


def accept(invitation: Invitation, user: Any) -> bool:
    """Save the account. False where the invitation has come to nothing meanwhile.

    Where the room has got as many co-owners as it may have, the account is made all the same.
    """
    with transaction.atomic():
        Invitation.objects.select_for_update().get(pk=invitation.pk)  # so that of two who come at once one is first
        held = find_open(invitation.pk)
        if held is None:
            return False
        user.save()
        held.accepted_at, held.accepted_by = timezone.now(), user
        held.save(update_fields=["accepted_at", "accepted_by"])
        if held.room:
            co_owners.add(held.room, user)
    return True


def revoke(invitations: QuerySet[Invitation]) -> int:
    """How many were open, or too old."""
    return invitations.filter(accepted_at=None, revoked_at=None).update(revoked_at=timezone.now())
