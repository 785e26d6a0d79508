"""Signed links to recordings that the sandbox keeps; they end."""

import hmac
import secrets
import time
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request, send_file

from platforms import signing
from platforms.sandbox.addresses import Addresses
from platforms.sandbox.world.world import World


class Links:
    def __init__(self, world: World, addresses: Addresses) -> None:
        self._world = world
        self._addresses = addresses
        self._secret = secrets.token_hex(16)

    def make(self, platform: str, recording_id: str, seconds: int) -> tuple[str, int]:
        """The link, and when it ends, in Unix seconds."""
        expires = int(time.time()) + seconds
        query = urlencode({"expires": expires, "signature": self._sign(platform, recording_id, str(expires))})
        return f"{self._addresses.own}/recordings/{platform}/{recording_id}.mp4?{query}", expires

    def serve(self, platform: str, recording_id: str) -> Response:
        """With Range and ETag, as S3 does; 403 for a link that is over or not one of these."""
        expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
        is_signed = hmac.compare_digest(signature.encode(), self._sign(platform, recording_id, expires).encode())
        if not is_signed or float(expires) < time.time():
            abort(HTTPStatus.FORBIDDEN)
        recording = self._world.find_recording(platform, recording_id)
        if recording is None or "file" not in recording.notes:
            abort(HTTPStatus.NOT_FOUND)
        file = recording.notes["file"]
        return send_file(
            file.path, mimetype="video/mp4", as_attachment=True, download_name=f"{recording_id}.mp4", conditional=True
        )

    def _sign(self, platform: str, recording_id: str, expires: str) -> str:
        return signing.sign_hex(self._secret, f"{platform}/{recording_id}/{expires}".encode())


def routes(links: Links) -> Blueprint:
    found = Blueprint("recordings", __name__)
    found.add_url_rule("/recordings/<platform>/<recording_id>.mp4", "serve", links.serve)
    return found
