"""Fault injection: a page for people at /controls, and the same as JSON.

GET /controls.json tells what is set, POST /controls/<platform> changes it (JSON or a form), PUT
/controls/<platform>/webhook says where that platform's webhooks go, DELETE /controls makes everything well again.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from platforms.sandbox.provider import Provider
from platforms.sandbox.wire.faults import Faults
from platforms.sandbox.world.model import SandboxError

POLICY = (
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)


def routes(providers: Mapping[str, Provider]) -> Blueprint:
    controls = Controls(providers)
    found = Blueprint("controls", __name__)
    found.after_request(_headers)
    found.register_error_handler(SandboxError, _refused)
    found.add_url_rule("/", "home", lambda: redirect(url_for("controls.show")))
    found.add_url_rule("/controls", "show", controls.show)
    found.add_url_rule("/controls.json", "state", controls.state)
    found.add_url_rule("/controls", "reset", controls.reset, methods=["DELETE"])
    found.add_url_rule("/controls/reset", "reset_by_form", controls.reset_by_form, methods=["POST"])
    one = f"/controls/<any({','.join(providers)}):platform>"
    found.add_url_rule(one, "change", controls.change, methods=["POST"])
    found.add_url_rule(f"{one}/webhook", "webhook", controls.webhook, methods=["PUT"])
    return found


class Controls:
    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    def show(self, errors: dict[str, str] | None = None) -> str:
        return render_template("controls.html", platforms=self._platforms(), errors=errors or {})

    def state(self) -> Response:
        return jsonify(
            {
                platform: {
                    "faults": provider.context.faults.as_json(),
                    "deliveries": [logged.as_json() for logged in provider.context.courier.log],
                }
                for platform, provider in self._providers.items()
            }
        )

    def reset(self) -> ResponseReturnValue:
        for provider in self._providers.values():
            provider.context.faults.reset()
        return Response(status=204)

    def reset_by_form(self) -> ResponseReturnValue:
        self.reset()
        return redirect(url_for("controls.show"), 303)

    def change(self, platform: str) -> ResponseReturnValue:
        """A form has all of a platform's controls; JSON, those that change."""
        faults = self._providers[platform].context.faults
        if request.mimetype == "application/json":
            faults.change(_json())
            return jsonify(faults.as_json())
        try:
            faults.change(_form_values())
        except SandboxError as error:
            return self.show({platform: str(error)}), 400
        return redirect(url_for("controls.show", _anchor=platform), 303)

    def webhook(self, platform: str) -> ResponseReturnValue:
        wanted = _json()
        if set(wanted) != {"product", "secret"} or not all(isinstance(value, str) for value in wanted.values()):
            raise SandboxError("Say product, which is the address of the product, and secret.")
        self._providers[platform].register(wanted["product"].rstrip("/"), wanted["secret"])
        return Response(status=204)

    def _platforms(self) -> list[dict[str, Any]]:
        return [
            {
                "name": platform,
                "label": provider.label,
                "controls": _shown(provider.context.faults),
                "deliveries": list(reversed(provider.context.courier.log))[:20],
            }
            for platform, provider in self._providers.items()
        ]


def _shown(faults: Faults) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "says": one.metadata["says"],
            "value": getattr(faults, one.name),
            "kind": type(one.default).__name__,
            "choices": one.metadata.get("of", ()),
        }
        for one in fields(faults)
    ]


def _form_values() -> dict[str, Any]:
    """A box that is not ticked is not sent."""
    found: dict[str, Any] = {}
    for one in fields(Faults):
        text = request.form.get(one.name, "")
        if isinstance(one.default, bool):
            found[one.name] = bool(text)
        else:
            found[one.name] = _number(one.name, text or "0", type(one.default))
    return found


def _number(name: str, text: str, kind: Any) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise SandboxError(f"{name} is a number.") from None


def _json() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise SandboxError("The body is not a JSON object.")
    return body


def _refused(error: Exception) -> ResponseReturnValue:
    return jsonify(error=str(error)), 400


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    return response
