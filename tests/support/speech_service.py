"""A service with OpenAI's /audio/transcriptions on loopback: it decodes what it is sent and says what it heard when."""

from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

from tests.support.media import RATE, heard, stretches
from tests.support.stub_provider import Answer, StubProvider

PATH = "/v1/audio/transcriptions"
KEY = "sk-key-of-the-service"


@dataclass(frozen=True)
class Sent:
    """One request; `heard` holds the stretches of its audio that are not silent, in seconds."""

    fields: dict[str, Any]
    duration: float
    heard: list[tuple[float, float]]
    size: int


class SpeechService:
    """Answers with a segment for each stretch in which it hears something."""

    def __init__(self, stub: StubProvider):
        self.stub = stub
        self.url = f"{stub.url}/v1"
        self.sent: list[Sent] = []
        stub.on("POST", PATH, self.answer)

    def answer(self, request):
        sent = self.understand(request)
        segments = [
            {"id": number, "start": start, "end": end, "text": f" Something at {start:.1f}."}
            for number, (start, end) in enumerate(sent.heard)
        ]
        text = "".join(segment["text"] for segment in segments)
        return Answer(json={"language": "english", "duration": sent.duration, "text": text, "segments": segments})

    def understand(self, request):
        fields = _form(request)
        audio = fields.pop("file")
        samples = heard(audio)
        sent = Sent(fields, len(samples) / RATE, stretches(samples), len(audio))
        self.sent.append(sent)
        return sent


def _form(request):
    message = message_from_bytes(
        b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body
    )
    fields: dict[str, Any] = {}
    parts: Any = message.get_payload()
    for part in parts:
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if name == "file":
            fields[name] = content
        elif name.endswith("[]"):
            fields[name] = [*fields.get(name, []), content.decode()]
        else:
            fields[name] = content.decode()
    return fields
