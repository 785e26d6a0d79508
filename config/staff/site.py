"""Admin as this product's staff know it: a sidebar by task instead of a list of apps."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from config.staff import sections
from rooms import sign_in_entries


class StaffSite(AdminSite):
    site_header = site_title = "Reflector Rooms"
    index_title = gettext_lazy("Platforms")
    site_url = "/"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one page for it. Whoever is signed in and comes here is not of the staff."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        leads_to = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return redirect(reverse("login", query={REDIRECT_FIELD_NAME: leads_to}))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        sign_in_entries.signed_out(request, request.user)
        return super().logout(request, extra_context)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return context | {"sections": sections.shown(context["available_apps"], request.path)}
