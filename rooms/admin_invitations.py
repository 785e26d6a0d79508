"""Inviting people: staff say whom, and the link is shown them once, mailed, or both."""

import logging
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.input import CarefulAdmin
from platforms.limits import rates
from rooms import co_owners, invitations
from rooms.models import Invitation, Room
from rooms.permissions import staff_may_change
from rooms.services import mail_is_logged, where_mail_goes

if TYPE_CHECKING:
    InvitationModelAdmin = admin.ModelAdmin[Invitation]
    InvitationModelForm = forms.ModelForm[Invitation]
else:
    InvitationModelAdmin, InvitationModelForm = admin.ModelAdmin, forms.ModelForm

logger = logging.getLogger(__name__)

GIVEN = ["email", "first_name", "last_name", "room"]


class InvitationForm(InvitationModelForm):
    mail_it = forms.BooleanField(
        label=gettext_lazy("Mail the link"),
        required=False,
        initial=True,
        help_text=gettext_lazy("The link is shown here as well, once, to be sent in another way."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if room := self.fields.get("room"):
            # Rooms are not to be made, changed or deleted in passing.
            for button in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
                setattr(room.widget, button, False)
        if "mail_it" in self.fields and not settings.EMAIL_IS_SENT:
            self.fields["mail_it"].initial, self.fields["mail_it"].disabled = False, True
            self.fields["mail_it"].help_text = _(
                "No mail is sent from here: the link is shown once, to be sent by you."
            )
        elif "mail_it" in self.fields and mail_is_logged():
            self.fields["mail_it"].help_text = f"{where_mail_goes()} {self.fields['mail_it'].help_text}"

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if invitations.accounts_with(email).exists():
            raise forms.ValidationError(_("There is an account of this address already."))
        return email

    def clean_room(self) -> Room | None:
        room: Room | None = self.cleaned_data["room"]
        if room and co_owners.is_full(room):
            also = _("Those who are invited count as well.")
            raise forms.ValidationError(f"{co_owners.full()} {also}")
        return room


@admin.register(Invitation)
class InvitationAdmin(CarefulAdmin, InvitationModelAdmin):
    form = InvitationForm
    list_display = ["email", "name", "room", "current_state", "invited_by", "created_at", "expires_at"]
    list_select_related = ["room", "invited_by"]
    search_fields = ["email", "first_name", "last_name", "room__name"]
    search_help_text = gettext_lazy("An e-mail address, a person's or a room's name.")
    autocomplete_fields = ["room"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        """What somebody was sent is not changed: it is revoked, and made anew."""
        return False

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        if obj:
            return [*GIVEN, "current_state", "invited_by", "created_at", "expires_at", "accepted_at", "accepted_by"]
        given = GIVEN if staff_may_change(request.user, Room) else GIVEN[:-1]
        return [*given, "mail_it"]

    @admin.display(description=gettext_lazy("name"))
    def name(self, invitation: Invitation) -> str:
        return f"{invitation.first_name} {invitation.last_name}".strip() or "-"

    @admin.display(description=gettext_lazy("state"))
    def current_state(self, invitation: Invitation) -> str:
        return str(invitation.state.label)

    @admin.action(description=gettext_lazy("Revoke"), permissions=["delete"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> None:
        count = invitations.revoke(chosen)
        self.message_user(
            request, _("Revoked: {count}. What was accepted stays.").format(count=count), messages.SUCCESS
        )

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Of several for one address the latest counts."""
        invitations.revoke(Invitation.objects.filter(email__iexact=obj.email))
        obj.invited_by = request.user  # type: ignore[assignment]  # somebody who is signed in
        super().save_model(request, obj, form, change)
        request.invited = obj, form.cleaned_data["mail_it"]  # type: ignore[attr-defined]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Mails when the transaction has ended, which must not wait for a mail server."""
        response = super().changeform_view(request, *args, **kwargs)
        if invited := getattr(request, "invited", None):
            self._tell(request, *invited)
        return response

    def _tell(self, request: HttpRequest, invitation: Invitation, wants_mail: bool) -> None:
        if wants_mail:
            self._send(request, invitation)
        shown = format_html(
            _('The link for {}. It is shown this once: <code class="to-copy">{}</code>'),
            invitation.email,
            invitations.link_to(invitation),
        )
        self.message_user(request, shown, messages.WARNING)

    def _send(self, request: HttpRequest, invitation: Invitation) -> None:
        try:
            rates.count("emails", f"account {request.user.pk}")
            invitations.send(invitation)
        except rates.TooMany as error:
            self.message_user(request, _("It was not mailed. {error}").format(error=error), messages.ERROR)
        except OSError as error:
            logger.warning("invitation_not_mailed invitation=%s error=%s", invitation.pk, type(error).__name__)
            self.message_user(request, _("It could not be mailed: send the link yourself."), messages.ERROR)
        else:
            if mail_is_logged():
                said = _("The mail to {email} was written to this server's log: none is sent from here.")
            else:
                said = _("The link was mailed to {email}.")
            self.message_user(request, said.format(email=invitation.email), messages.SUCCESS)
