"""Chromium as the tests run it: with a microphone that is not there, and without going out."""

import os
import shutil
from contextlib import contextmanager

from playwright.sync_api import Playwright, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
]
PROBLEMS = {"error", "warning"}
PATIENCE = 30_000  # milliseconds that pages get on a busy machine
expect.set_options(timeout=PATIENCE)
# Its microphone beeps twice in a second; nobody is asked for permission.
FAKE_MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def executable():
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@contextmanager
def chromium(*flags, microphone=True, sound=None, hosts=None):
    """A browser. `sound` is a WAV file that its microphone hears over and over; `hosts` maps names, such as
    *.example.com, to the port of a server with TLS on this machine, whose certificate nobody knows.
    """
    arguments = [*FLAGS, *flags, *(FAKE_MICROPHONE if microphone else [])]
    if sound:
        arguments.append(f"--use-file-for-fake-audio-capture={sound}")
    if hosts:
        rules = ", ".join(f"MAP {name}:443 127.0.0.1:{port}" for name, port in hosts.items())
        arguments += [f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]
    with _playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser, url="about:blank", **options):
    """A page of a visitor of its own, and the list of what goes wrong in it: errors and warnings of the console."""
    page = browser.new_context(**options).new_page()
    problems = []
    page.on("console", lambda message: problems.append(_words(message)) if message.type in PROBLEMS else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(url)
    return page, problems


def _words(message):
    return f"{message.text} ({message.location.get('url', '')})"


class _Playwright:
    """There may be one in a thread, which several browsers share."""

    users = 0
    driver: Playwright
    unsafe: str | None


@contextmanager
def _playwright():
    if not _Playwright.users:
        # It has an event loop in the thread, in which Django would refuse to reach the database.
        _Playwright.unsafe = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        _Playwright.driver = sync_playwright().start()
    _Playwright.users += 1
    try:
        yield _Playwright.driver
    finally:
        _Playwright.users -= 1
        if not _Playwright.users:
            _Playwright.driver.stop()
            os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
            if _Playwright.unsafe is not None:
                os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = _Playwright.unsafe
