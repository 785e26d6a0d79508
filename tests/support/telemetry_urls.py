"""What fails with secrets in its words, its variables, its arguments and its address: see test_telemetry."""

import logging
import os

from celery import shared_task
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config.urls import *  # noqa: F403
from config.urls import urlpatterns as product

logger = logging.getLogger("meetings.tests")
BIRD = "yranac"[::-1]  # lines of the code are told with an error


def told():
    """All that the process knows, in the words of an error."""
    secrets = {name: value for name, value in os.environ.items() if BIRD in value.lower() or "KEY" in name}
    link = f"https://user:{BIRD}-password@files.example.com/{BIRD}-path?X-Amz-Signature={BIRD}-signature"
    return f"It failed with {secrets}, at {link}, Max retries exceeded with url: /x?token={BIRD}-query"


@csrf_exempt
def fail(request, secret):
    known = {"body": request.body, "headers": dict(request.headers), "secret": secret}
    logger.error("before_it_failed link=%s", told())
    raise RuntimeError(f"{told()} {known['secret']}")


@csrf_exempt
def ask(request, secret):
    fail_later.apply_async([secret], {"more": told()}, queue="quick")
    return HttpResponse("asked")


@shared_task(name="tests.fail_later")
def fail_later(secret, more):
    known = {"secret": secret, "more": more}
    raise LookupError(told()) from RuntimeError(f"It began with {len(known)} words.")


urlpatterns = [path("fail/<str:secret>", fail), path("ask/<str:secret>", ask), *product]
