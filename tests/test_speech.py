"""What writes down speech on this machine is used where it is installed, as a whole."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from config import speech


@pytest.mark.parametrize(
    ("installed", "found"),
    [
        ({}, ""),
        ({speech.PACKAGE}, ""),
        ({speech.MODEL}, ""),
        ({speech.PACKAGE, speech.MODEL}, str(Path("/packages/x/model"))),
    ],
    ids=["nothing", "the package", "the model", "both"],
)
def test_the_model_is_found_with_what_needs_it_only(monkeypatch, installed, found):
    monkeypatch.setattr(
        speech,
        "find_spec",
        lambda name: SimpleNamespace(origin="/packages/x/__init__.py") if name in installed else None,
    )
    assert speech.bundled_model() == found
