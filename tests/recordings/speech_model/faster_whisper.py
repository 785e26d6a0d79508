"""Stands where the package would be, in the model's own process: what becomes of the process is tried, not the model.

A model's name says how it behaves: `lost` cannot be loaded, `deadly` ends the process, `deaf` hears no speech. It may
be of several words: `english` knows one language, `unsure` is not certain of its words, `swedish` is of its language,
`long` hears ten seconds of speech, and `dumb` has no words for them.
"""

import os
from pathlib import Path
from types import SimpleNamespace


def decode_audio(file, sampling_rate):
    return file.read()


class WhisperModel:
    def __init__(self, model, device, compute_type, cpu_threads):
        with Path(os.environ["LOADED"]).open("a") as loaded:
            loaded.write(f"{os.getpid()} {model} {device}\n")
        if model == "lost":
            raise RuntimeError("Unable to open file 'model.bin'")
        self.name = model
        self.starts = () if model == "deaf" or "dumb" in model else (0.0, 1.0)
        self.spoken = 0.0 if model == "deaf" else 10.0 if "long" in model else 1.0
        self.model = SimpleNamespace(is_multilingual="english" not in model)

    def detect_language(self, audio, language_detection_segments):
        return "sv", 0.99 if "swedish" in self.name else 0.6, []

    def transcribe(self, audio, language, vad_filter, word_timestamps):
        if self.name == "deadly":
            os._exit(9)
        if language not in (None, "en", "de", "jw", "sv"):  # as the package, which names all of them
            raise ValueError(f"{language!r} is not a valid language code")
        print("a library talks")  # noqa: T201  (not between the answers)
        segments = (self.segment(second, word_timestamps) for second in self.starts)
        return segments, SimpleNamespace(language=language or "sv", duration_after_vad=self.spoken)

    def segment(self, second, word_timestamps):
        probability = 0.6 if "unsure" in self.name else 0.95
        said = [SimpleNamespace(start=second + 0.1, end=second + 0.3, word=" Hm.", probability=probability)]
        end = second + 0.5
        return SimpleNamespace(start=second, end=end, text=" Hm.", words=said if word_timestamps else None)
