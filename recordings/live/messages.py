"""What clients are sent of an event: `{"event": ..., "data": ...}`, as the API's contract names them."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from recordings.api.transcripts.topics import shown
from recordings.models import Summary, Transcript, TranscriptEvent
from recordings.transcripts.topics import topics_of

Kind = TranscriptEvent.Kind

# kind -> what it is called, and the field of its value
TO_READERS = {
    Kind.STATUS: ("STATUS", "value"),
    Kind.TITLE: ("FINAL_TITLE", "title"),
    Kind.LONG_SUMMARY: ("FINAL_LONG_SUMMARY", "long_summary"),
    Kind.SHORT_SUMMARY: ("FINAL_SHORT_SUMMARY", "short_summary"),
    Kind.DURATION: ("DURATION", "duration"),
}
TO_OWNERS = {
    Kind.CREATED: ("TRANSCRIPT_CREATED", ""),
    Kind.DELETED: ("TRANSCRIPT_DELETED", ""),
    Kind.RESTORED: ("TRANSCRIPT_RESTORED", ""),
    Kind.STATUS: ("TRANSCRIPT_STATUS", "value"),
    Kind.TITLE: ("TRANSCRIPT_FINAL_TITLE", "title"),
    Kind.DURATION: ("TRANSCRIPT_DURATION", "duration"),
}
PING = {"event": "PING", "data": {}}  # says that the connection lives
# After these it may be that a client may not read the transcript any more.
CHANGES_OF_ACCESS = {Kind.ACCESS, Kind.DELETED}


@dataclass(frozen=True)
class Channel:
    """What a client follows: one transcript, or all that one person owns."""

    transcript_id: UUID | None = None
    user_id: int | None = None

    def conditions(self) -> dict[str, Any]:
        return {"transcript_id": self.transcript_id} if self.transcript_id else {"user_id": self.user_id}


@dataclass(frozen=True)
class Entry:
    """An event as the clients of one channel are sent it. All but the last text come without the id."""

    id: int
    texts: tuple[str, ...]
    changes_access: bool = False


def channels_of(event: TranscriptEvent) -> Iterator[Channel]:
    yield Channel(transcript_id=event.transcript_id)
    if event.user_id:
        yield Channel(user_id=event.user_id)


def entry_of(event: TranscriptEvent, channel: Channel) -> Entry:
    if not channel.transcript_id:
        return _entry(event.pk, _to_owner(event))
    return _entry(event.pk, _to_reader(event), event.kind in CHANGES_OF_ACCESS)


def start_entry(position: int, transcript: Transcript | None) -> Entry:
    """What a client is sent that begins to listen: all that there is, except the status; and where it begins."""
    return _entry(position, [*(_all_of(transcript) if transcript else ()), PING])


def _entry(position: int, messages: Iterable[dict[str, Any]], changes_access: bool = False) -> Entry:
    found = list(messages)
    if found:
        found[-1] = found[-1] | {"id": position}
    return Entry(position, tuple(map(written, found)), changes_access)


def _all_of(transcript: Transcript) -> Iterator[dict[str, Any]]:
    for read in READ_ANEW.values():
        yield from read(transcript)
    for kind, (name, field) in TO_READERS.items():
        value = _shown_value(kind, transcript.shown_title if kind == Kind.TITLE else getattr(transcript, kind.value))
        if value and kind != Kind.STATUS:
            yield {"event": name, "data": {field: value}}


def _to_owner(event: TranscriptEvent) -> Iterator[dict[str, Any]]:
    if told := TO_OWNERS.get(Kind(event.kind)):
        name, field = told
        values = {field: _shown_value(event.kind, event.value)} if field else {}
        yield {"event": name, "data": {"id": str(event.transcript_id), **values}}


def _to_reader(event: TranscriptEvent) -> Iterator[dict[str, Any]]:
    if told := TO_READERS.get(Kind(event.kind)):
        name, field = told
        yield {"event": name, "data": {field: _shown_value(event.kind, event.value)}}
    elif read := READ_ANEW.get(Kind(event.kind)):
        transcript = Transcript.objects.filter(pk=event.transcript_id).first()
        if transcript:
            yield from read(transcript)


def _topics(transcript: Transcript) -> Iterator[dict[str, Any]]:
    for topic in topics_of(transcript, transcript.segments.all()):
        yield {"event": "TOPIC", "data": shown(topic)}


def _waveform(transcript: Transcript) -> Iterator[dict[str, Any]]:
    if transcript.waveform:
        yield {"event": "WAVEFORM", "data": {"waveform": transcript.waveform}}


def _action_items(transcript: Transcript) -> Iterator[dict[str, Any]]:
    summary = Summary.objects.filter(transcript=transcript).first()
    if summary and summary.action_items:
        yield {"event": "ACTION_ITEMS", "data": {"action_items": summary.action_items}}


# What is not in the event, but read from the transcript when it is told.
READ_ANEW: dict[Kind, Callable[[Transcript], Iterator[dict[str, Any]]]] = {
    Kind.TOPICS: _topics,
    Kind.WAVEFORM: _waveform,
    Kind.ACTION_ITEMS: _action_items,
}


def _shown_value(kind: str, value: Any) -> Any:
    """A duration is kept in seconds and told in milliseconds."""
    return round(value * 1000) if kind == Kind.DURATION else value


def written(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
