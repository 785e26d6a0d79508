"""Daily's meeting tokens: https://docs.daily.co/reference/rest-api/meeting-tokens"""

import time
from collections.abc import Mapping
from typing import Any

import jwt
from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.daily.errors import bad_json, invalid
from platforms.sandbox.daily.rooms import NAME, RECORDINGS
from platforms.sandbox.daily.state import DailyState
from platforms.sandbox.wire.api import json_body
from platforms.sandbox.wire.validation import an_object, boolean, integer, one_of, problem, seconds_since_epoch, text
from platforms.sandbox.world.model import NotAdmitted

LIMIT = 2048  # characters of a token
# Property -> the claim that carries it, by https://docs.daily.co/private-rooms-meeting-tokens (self-signing)
CLAIMS = {
    "room_name": "r",
    "is_owner": "o",
    "user_name": "u",
    "user_id": "ud",
    "nbf": "nbf",
    "exp": "exp",
    "eject_at_token_exp": "ejt",
    "eject_after_elapsed": "eje",
    "enable_recording": "er",
    "enable_recording_ui": "erui",
    "start_cloud_recording": "sr",
    "start_cloud_recording_opts": "sro",
    "enable_screenshare": "ss",
    "start_video_off": "vo",
    "start_audio_off": "ao",
    "knocking": "k",
    "lang": "uil",
    "permissions": "p",
}
PROPERTIES = {
    "room_name": text(128, NAME),
    "user_name": text(),
    "user_id": text(36),
    **dict.fromkeys(("nbf", "exp"), seconds_since_epoch),
    "eject_after_elapsed": integer(),
    "enable_recording": one_of(*RECORDINGS),
    **dict.fromkeys(("is_owner", "eject_at_token_exp", "enable_recording_ui", "start_cloud_recording"), boolean),
    **dict.fromkeys(("enable_screenshare", "start_video_off", "start_audio_off", "knocking"), boolean),
    **dict.fromkeys(("enable_prejoin_ui", "close_tab_on_exit", "auto_start_transcription"), boolean),
    **dict.fromkeys(("start_cloud_recording_opts", "permissions"), an_object),
    **dict.fromkeys(("lang", "redirect_on_meeting_exit"), text()),
}


def add_routes(api: Blueprint, daily: DailyState) -> None:
    def create() -> Response:
        wanted = json_body(bad_json)
        properties = wanted.get("properties", {})
        if wrong := problem(wanted, {"properties": an_object}) or problem(properties, PROPERTIES):
            raise invalid(wrong)
        token = signed(daily, properties)
        if len(token) > LIMIT:
            raise invalid("the meeting token is too long")
        return jsonify(token=token)

    def check(token: str) -> Response:
        try:
            claims = claims_of(daily, token, ignores_nbf=request.args.get("ignoreNbf") == "true")
        except NotAdmitted as error:
            raise invalid(str(error)) from error
        return jsonify({name: claims[claim] for name, claim in CLAIMS.items() if claim in claims})

    api.add_url_rule("/meeting-tokens", "create_token", create, methods=["POST"])
    api.add_url_rule("/meeting-tokens/<token>", "check_token", check, methods=["GET"])


def signed(daily: DailyState, properties: Mapping[str, Any]) -> str:
    claims = {CLAIMS[name]: value for name, value in properties.items() if name in CLAIMS}
    return jwt.encode({**claims, "d": daily.domain_id, "iat": int(time.time())}, _key(daily), algorithm="HS256")


def claims_of(daily: DailyState, token: str, ignores_nbf: bool = False) -> dict[str, Any]:
    """Raises NotAdmitted for a token that is of another domain, too early or too late."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, _key(daily), algorithms=["HS256"], options={"verify_nbf": not ignores_nbf}
        )
    except jwt.ExpiredSignatureError as error:
        raise NotAdmitted("The meeting token has expired.", "exp-token") from error
    except jwt.ImmatureSignatureError as error:
        raise NotAdmitted("The meeting token is not valid yet.", "nbf-token") from error
    except jwt.InvalidTokenError as error:
        raise NotAdmitted("The meeting token is not valid.", "not-allowed") from error
    if claims.get("d") != daily.domain_id:
        raise NotAdmitted("The meeting token is another domain's.", "not-allowed")
    return claims


def admitted(daily: DailyState, token: str, room_name: str) -> dict[str, Any]:
    """A token without a room opens every room."""
    claims = claims_of(daily, token)
    if claims.get("r", room_name) != room_name:
        raise NotAdmitted("The meeting token is another room's.", "not-allowed")
    return claims


def _key(daily: DailyState) -> bytes:
    """HMAC fills a short key up with zeros itself: done here, that is the same signature, without a warning."""
    return daily.context.api_key.encode().ljust(32, b"\x00")
