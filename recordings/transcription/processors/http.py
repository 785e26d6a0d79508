"""Transcription by a service of the operator's own: it is sent a signed job, and sends the result when it has it.

The job is a POST of JSON, signed in X-Webhook-Signature (`platforms.signing.stamped_signature`):

    {"event": "recording.process", "job_id": "...", "language": "en", "callback_url": "https://...",
     "audio": [{"url": "https://...", "speaker": "Ada", "offset": 0.0, "duration": 61.5, "content_type": "audio/webm"}]}

Times are seconds. What is at second t by a file's own timestamps belongs to second `offset` + t of the recording; the
first timestamp may be far from zero, so that who drops timestamps, as many converters do, has to add it again.

It is accepted with any 2xx, with an empty body or one of JSON, and may be sent again with the same `job_id`, when no
result has come. A link in it is good for a day. How a result is sent is said in `recordings.api.results`.
"""

import json
from collections.abc import Sequence
from typing import Any

from platforms.exceptions import PlatformNotConfigured
from platforms.http.client import ProviderAPI
from platforms.signing import stamped_signature
from recordings.transcription.processors.base import Processor, TranscriptionRequest
from recordings.transcription.processors.languages import LANGUAGES


class HttpProcessor(Processor):
    """Jobs are signed with the first of the `secrets`; results may be signed with any."""

    def __init__(self, url: str, secrets: Sequence[str]) -> None:
        self.url = self.address = url
        self.result_secrets = tuple(secrets)
        self._api = ProviderAPI("", "The processor of recordings", url, auth="", secrets=self.result_secrets)

    def problems(self) -> list[str]:
        missing = {"RECORDING_PROCESSOR_URL": self.url, "RECORDING_PROCESSOR_SECRET": self.result_secrets}
        return [f"Recordings cannot be transcribed: set {name}." for name, value in missing.items() if not value]

    def languages(self) -> Sequence[str]:
        return tuple(LANGUAGES)

    def process(self, request: TranscriptionRequest) -> None:
        if problems := self.problems():
            raise PlatformNotConfigured(problems[0])
        body = json.dumps(_described(request)).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": request.id,
            "X-Webhook-Event": "recording.process",
            "X-Webhook-Signature": stamped_signature(self.result_secrets[0], body),
        }
        self._api.request("POST", "", repeatable=True, data=body, headers=headers)


def _described(request: TranscriptionRequest) -> dict[str, Any]:
    return {
        "event": "recording.process",
        "job_id": request.id,
        "language": request.language,
        "callback_url": request.callback_url,
        "audio": [
            {
                "url": part.link(),
                "speaker": part.speaker,
                "offset": part.offset,
                "duration": part.duration,
                "content_type": part.content_type,
            }
            for part in request.parts
        ],
    }
