"""The page of a form that was refused: it is shown where the first error is, by its own address.

Such a page is often the answer of the form's address and not of its own, and longer than the window.
"""

from typing import Any

from django import forms


def refused(page_address: str, form: forms.BaseForm | None) -> dict[str, Any]:
    """What the page's template is given besides; nothing where no form was refused."""
    if form is None:
        return {"has_errors": False}
    _focus_first_error(form)
    return {"has_errors": True, "page_address": page_address}


def _focus_first_error(form: forms.BaseForm) -> None:
    """The browser goes to the field, with or without script. What is wrong with all of a form is its section's."""
    if not form.non_field_errors():
        wrong = next((name for name in form.fields if name in form.errors), None)
        if wrong:
            form.fields[wrong].widget.attrs["autofocus"] = True
