"""Packages that bring a platform: what is read of them, and what a wrong one is told."""

from importlib.metadata import EntryPoint

import pytest

from config import installed_platforms
from config.environment import Environment
from tests.support.live import ROOT

BLOCK = {"BACKEND": "acme.client.AcmeClient", "OPTIONS": {}}


def good(env):
    return {**BLOCK, "OPTIONS": {"api_key": env.text("ACME_API_KEY")}}


def fails(env):
    raise ValueError("no such thing")


def empty(env):
    return {}


@pytest.fixture
def installed(monkeypatch):
    """Lets the given functions of this file be those of packages, by the alias."""

    def install(**functions):
        group = installed_platforms.GROUP
        found = [EntryPoint(name, f"{__name__}:{function}", group) for name, function in functions.items()]
        monkeypatch.setattr(installed_platforms, "entry_points", lambda group: found)
        return installed_platforms.installed_platforms(Environment(ROOT), taken=["whereby"])

    return install


def test_their_blocks_are_read_from_the_environment(installed, monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", "key")
    blocks, packages = installed(acme_b="good", acme_a="good")
    assert list(blocks) == ["acme_a", "acme_b"]
    assert blocks["acme_a"] == {**BLOCK, "OPTIONS": {"api_key": "key"}}
    assert packages == ["tests"]


@pytest.mark.parametrize(
    ("alias", "function", "said"),
    [
        ("whereby", "good", "'whereby' of the package tests.test_installed_platforms is the alias of another platform"),
        ("Acme", "good", "is no alias"),
        ("acme", "missing", "could not be loaded from tests.test_installed_platforms:missing: AttributeError"),
        ("acme", "fails", "could not be loaded from .*: ValueError: no such thing"),
        ("acme", "empty", "must give a dict with BACKEND and OPTIONS"),
    ],
)
def test_a_wrong_one_ends_the_start_with_its_name(installed, alias, function, said):
    with pytest.raises(SystemExit, match=f"Settings: the platform .*{said}"):
        installed(**{alias: function})
