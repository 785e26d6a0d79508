"""The product's routes, and beside them the least that could take a webhook in."""

import base64
import hmac

from django.db import connection
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from platforms.handler import get_platform_config


def is_signed(request, platform):
    [secret] = get_platform_config(platform).webhook_secrets
    if platform == "daily":
        signed = request.headers["X-Webhook-Timestamp"].encode() + b"." + request.body
        digest = base64.b64encode(hmac.digest(base64.b64decode(secret), signed, "sha256"))
        return hmac.compare_digest(digest.decode(), request.headers["X-Webhook-Signature"])
    timestamp, signature = request.headers["Whereby-Signature"].split(",")
    signed = timestamp.removeprefix("t=").encode() + b"." + request.body
    return hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256").hex(), signature.removeprefix("v1="))


@csrf_exempt
def verify(request, platform):
    return HttpResponse("ok", status=200 if is_signed(request, platform) else 401)


@csrf_exempt
def verify_and_insert(request, platform):
    if not is_signed(request, platform):
        return HttpResponse("no", status=401)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_row (platform, body) VALUES (%s, %s)", [platform, request.body])
    return HttpResponse("ok")


urlpatterns = [
    path("verify/<platform>", verify),
    path("insert/<platform>", verify_and_insert),
    path("", include("config.urls")),
]
