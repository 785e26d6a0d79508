"""Signing in to Admin, within the same limit on attempts as by the page and by the API."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from rest_framework.request import Request

from rooms.api.throttling import LoginThrottle


class AdminLoginForm(AdminAuthenticationForm):
    def clean(self) -> dict[str, Any]:
        if self.request and not LoginThrottle().allow_request(Request(self.request), self):
            raise ValidationError("Too many login attempts. Try again later.")
        return super().clean()
