"""Forms of Admin for tests."""

from django.forms import FileField


def fields_of(client, address):
    """What a browser would send back when nothing was changed on the page."""
    sent: dict[str, object] = {}
    for field in client.get(address).context["adminform"].form:
        value = field.value()
        if field.widget_type == "checkbox":
            sent |= {field.html_name: "on"} if value else {}
        elif field.widget_type == "checkboxselectmultiple":
            sent[field.html_name] = value or []
        elif field.widget_type == "password" or isinstance(field.field, FileField) or value is None:
            sent[field.html_name] = ""
        else:
            sent[field.html_name] = value
    return sent
