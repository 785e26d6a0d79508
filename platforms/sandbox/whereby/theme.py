"""How Whereby's rooms look: https://docs.whereby.com/reference/whereby-rest-api-reference/room-theme"""

from flask import Blueprint, Response, request

from platforms.sandbox.whereby.lists import invalid, refused
from platforms.sandbox.whereby.state import WherebyState
from platforms.sandbox.wire.api import json_body

IMAGES = ("logo", "room-background", "room-knock-page-background")


def add_routes(api: Blueprint, whereby: WherebyState) -> None:
    def put(name: str, part: str) -> Response:
        """An image as the multipart part `image`, or JSON that goes back to a theme."""
        room = whereby.context.world.room("whereby", name.lstrip("/"))
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
