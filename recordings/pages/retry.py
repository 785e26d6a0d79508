import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from recordings.intake.restart import reprocess
from recordings.models import Recording
from recordings.pages.progress import may_retry, retry_helps, with_fate


@login_required
@require_POST
def retry(request: HttpRequest, recording_id: uuid.UUID) -> HttpResponse:
    """Start a recording over from where that helps, then back to the page that asked."""
    visible = Recording.objects.visible_to(request.user).with_tracks()
    recording = get_object_or_404(with_fate(visible), pk=recording_id)
    if not may_retry(request.user, recording):
        raise PermissionDenied
    if retry_helps(recording) and reprocess(recording):
        messages.success(request, _("It is being tried again."))
    else:
        messages.warning(request, _("Trying again does not help here, or it is under way already."))
    back = request.POST.get("next", "")
    is_local = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if is_local else "/")
