"""How well and how fast the speech model of this machine writes down the sandbox's canned lines.

Word error rate: the fewest words to put in, leave out or exchange until it is what was said, against the words said.
"""

import io
import json
import re
import sys
import time
from pathlib import Path

from config.speech import bundled_model
from recordings.transcription.processors.base import AudioPart, TranscriptionRequest
from recordings.transcription.processors.whisper import WhisperProcessor

SPEECH = Path("platforms/sandbox/static/speech")
TIMES = 3  # one after the other, of which the first loads the model


def main():
    model = bundled_model()
    if not model:
        sys.exit("make speech installs what this measures.")
    lines = json.loads((SPEECH / "lines.json").read_text())
    request = TranscriptionRequest(id="bench", parts=[part("ada"), part("ben")], language="en")
    processor = WhisperProcessor(model)
    for number in range(TIMES):
        began = time.monotonic()
        request.checkpoint.clear()  # else nothing would be heard again
        result = processor.process(request)
        seconds = time.monotonic() - began
        said, heard = words(line["text"] for line in lines["lines"]), words(s.text for s in result.segments)
        print(
            f"{'cold' if not number else 'warm'}: word error rate {errors(said, heard) / len(said):.3f} of {len(said)} "
            f"words; {2 * lines['seconds'] / seconds:.1f} s of tracks for each second; "
            f"memory of the model's process {memory(processor) / 1024:.0f} MB"
        )
    processor.close()


def part(name):
    content = (SPEECH / f"{name}.opus").read_bytes()
    return AudioPart(open=lambda: io.BytesIO(content), link=lambda: "", speaker=name)


def words(texts):
    return re.findall(r"[a-z']+", " ".join(texts).lower())


def errors(said, heard):
    """Levenshtein's distance in words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        before, row[0] = row[0], number
        for place, other in enumerate(heard, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


def memory(processor):
    """KiB of the largest size that the process had."""
    status = Path(f"/proc/{processor._running._process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])
