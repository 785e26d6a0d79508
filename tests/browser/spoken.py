"""What the sandbox's two people say, as microphones hear it, and the words of it."""

import json
import re
import wave
from pathlib import Path

from tests.support.media import heard

SPEECH = Path("platforms/sandbox/static/speech")
SECONDS = 15  # of the conversation, in which each of the two says two sentences
RATE = 48000


def sound_of(name, folder):
    """One person's part, as a file that a browser's microphone hears over and over."""
    samples = heard((SPEECH / f"{name}.opus").read_bytes(), RATE)[: SECONDS * RATE]
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    return folder / f"{name}.wav"


def words_of(text):
    return set(re.findall(r"[a-z]+", text.lower()))


def spoken_by(*names):
    lines = json.loads((SPEECH / "lines.json").read_text())["lines"]
    return words_of(" ".join(line["text"] for line in lines if line["end"] < SECONDS and line["speaker"] in names))
