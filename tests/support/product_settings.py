"""What the product's own settings are with other variables, so that no test says it a second time."""

import os
import runpy
from unittest import mock

from tests.support.live import ROOT


def settings_with(**variables):
    """The settings that differ from those of the tests when these variables are set."""
    now, then = read({}), read(variables)
    return {name: value for name, value in then.items() if now.get(name) != value}


def sandbox_variables(sandbox):
    """What leads the product to a sandbox that runs already; the rest is as `SPEECH=no make run` has it."""
    port, storage_port = (url.rpartition(":")[2] for url in (sandbox.url, sandbox.storage_url))
    return {
        "SANDBOX_ENABLED": "true",
        "SANDBOX_PORT": port,
        "SANDBOX_STORAGE_PORT": storage_port,
        "RECORDING_PROCESSOR": "sandbox",
    }


def use(settings, **variables):
    """Set Django's settings to what the product's are with these variables."""
    for name, value in settings_with(**variables).items():
        setattr(settings, name, value)


def read(variables):
    """All settings, with these variables set beside those of the tests."""
    with mock.patch.dict(os.environ, variables):
        found = runpy.run_path(str(ROOT / "config" / "settings.py"))
    return {name: value for name, value in found.items() if name.isupper()}
