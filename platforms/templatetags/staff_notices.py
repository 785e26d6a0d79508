from typing import Any

from django import template

from platforms import notices

register = template.Library()


@register.inclusion_tag("admin/staff_notices.html")
def staff_notices() -> dict[str, Any]:
    """The standing problems, for the top of Admin's first page."""
    return {"notices": notices.shown()}
