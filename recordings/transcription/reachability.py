"""Whether what transcribes is there, asked now and then: else nobody would know before the next recording."""

import requests

from platforms.health import notices
from recordings.transcription.processors import create_processor

KEY = "transcriber"
ANSWER_SECONDS = 5.0
SILENT_LOOKS = 2  # in a row, before staff are told


def check() -> None:
    """Any answer will do, also that this is no way to ask: no key is sent, and no job."""
    processor = create_processor()
    address = processor.address
    if not address:
        notices.resolve(KEY)
        return
    try:
        answer = requests.get(address, timeout=ANSWER_SECONDS, allow_redirects=False, stream=True)
        answer.close()
    except requests.RequestException:
        problem = "does not answer"
    else:
        problem = f"answers {answer.status_code}" if answer.status_code in processor.away_statuses else ""
    if problem:
        text = f"What transcribes {problem}: recordings wait for it, and are transcribed when it is back."
        notices.report(KEY, text, shown_after=SILENT_LOOKS)
    else:
        notices.resolve(KEY)
