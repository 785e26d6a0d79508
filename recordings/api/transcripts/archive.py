"""All of a transcript in one file."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from recordings.api.transcripts.media import audio_if_any, errors
from recordings.models import Transcript
from recordings.storage.reader import open_stored
from recordings.transcripts.access import NO_TRANSCRIPT, NOT_OWNER, find_own
from recordings.transcripts.files import content_of, name_of
from recordings.transcripts.formats import as_json, as_srt, as_text, as_webvtt, speaker_names
from rooms.api.base import ApiView
from rooms.api.schema import SIGN_IN

BLOCK_BYTES = 256 * 1024


class DownloadZip(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_transcript_download_zip",
        summary="All of a transcript in one archive: text, Markdown, WebVTT, SubRip, JSON and audio",
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            **errors(e401=SIGN_IN, e403=NOT_OWNER, e404=NO_TRANSCRIPT),
        },
    )
    def get(self, request: Request, transcript_id: str) -> HttpResponseBase:
        transcript = find_own(request.user, transcript_id)
        disposition = content_disposition_header(as_attachment=True, filename=f"{name_of(transcript)}.zip") or ""
        return StreamingHttpResponse(
            archive(texts_of(transcript), audio_if_any(transcript)),
            content_type="application/zip",
            headers={"Content-Disposition": disposition, "Cache-Control": "private, no-store"},
        )


def texts_of(transcript: Transcript) -> dict[str, str]:
    segments, names = list(transcript.segments.all()), speaker_names(transcript)
    spoken = json.dumps(as_json(segments, names), ensure_ascii=False, indent=1)
    return {
        "transcript.txt": as_text(segments, names, timestamps=True),
        "transcript.md": content_of(transcript, "md"),
        "transcript.vtt": as_webvtt(segments, names),
        "transcript.srt": as_srt(segments, names),
        "transcript.json": spoken,
    }


def archive(texts: dict[str, str], audio: str) -> Iterator[bytes]:
    """A zip file that is written while it is sent: neither memory nor disk holds the whole."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as zipped:
        for name, text in texts.items():
            zipped.writestr(name, text, zipfile.ZIP_DEFLATED)
            yield sink.taken()
        if audio:
            with open_stored(audio) as file, zipped.open("audio.mp3", "w", force_zip64=True) as entry:
                while block := file.read(BLOCK_BYTES):
                    entry.write(block)
                    yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        self._waiting += content
        return len(content)

    def taken(self) -> bytes:
        content = bytes(self._waiting)
        self._waiting.clear()
        return content
