"""How Whereby's rooms look: https://docs.whereby.com/reference/whereby-rest-api-reference/room-theme"""

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from platforms.sandbox.api import json_body
from platforms.sandbox.whereby_lists import invalid, refused

if TYPE_CHECKING:
    from platforms.sandbox.whereby import Whereby

IMAGES = ("logo", "room-background", "room-knock-page-background")


def add_routes(api: Blueprint, whereby: "Whereby") -> None:
    def put(name: str, part: str) -> Response:
        """An image as the multipart part `image`, or JSON that goes back to a theme."""
        room = whereby.world.room("whereby", name.lstrip("/"))
        if room is None or room.closed or part not in IMAGES:
            raise refused(404, "Room not found")
        if request.mimetype == "multipart/form-data":
            if "image" not in request.files:
                raise invalid("The part image is missing.")
            room.provider[part] = request.files["image"].read()
        elif request.mimetype == "application/json":
            json_body(invalid)
            room.provider.pop(part, None)
        else:
            raise invalid("The Content-Type is not supported.")
        return Response(status=204)

    api.add_url_rule("/rooms/<anything:name>/theme/<part>", "theme", put, methods=["PUT"])
