"""The browsers that somebody is signed in with, on the page of their account."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rooms.browsers import browsers_of, sign_out


@login_required
@never_cache
@require_POST
def sign_out_browser(request: HttpRequest, browser_id: int) -> HttpResponse:
    if not sign_out(browsers_of(request.user).filter(pk=browser_id)):
        raise Http404
    messages.success(request, gettext("That browser is signed out."))
    return redirect("/account#browsers")


@login_required
@never_cache
@require_POST
def sign_out_others(request: HttpRequest) -> HttpResponse:
    count = sign_out(browsers_of(request.user).exclude(session=request.session.session_key))
    messages.success(
        request, gettext("The other browsers are signed out.") if count else gettext("There was no other one.")
    )
    return redirect("/account#browsers")
