"""Posting that a transcript is ready to the stream and topic of its room in Zulip, once."""

from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext

from platforms.exceptions import PlatformRejected
from recordings.models import Transcript, ZulipPost
from recordings.transcripts.formats import clock, name_of, speaker_names
from recordings.transcripts.topics import topics_of
from rooms import zulip

CONTENT_CHARACTERS = 9_000  # Zulip takes 10,000
TOPICS = 30
# What would name people, who are then called, and end a link.
_PLAIN = str.maketrans({"*": "", "`": "'", "[": "(", "]": ")", "\r": " ", "\n": " "})


def perform(post: ZulipPost) -> None:
    """Raises the errors of `platforms.exceptions`. One that may have come through is looked for before it is sent."""
    transcript = Transcript.objects.select_related("room").get(pk=post.transcript_id)
    if transcript.deleted_at:
        raise PlatformRejected("The transcript was deleted meanwhile.")
    address = f"{settings.PUBLIC_URL}/transcripts/{transcript.pk}"
    message = zulip.find(post.stream, post.topic, address) if post.attempts > 1 else 0
    with translation.override(settings.MAIL_LANGUAGE):
        content = content_of(transcript, address, post.include_topics)
    post.message_id = message or zulip.post(post.stream, post.topic, content)


def content_of(transcript: Transcript, address: str, include_topics: bool = True) -> str:
    segments, names = list(transcript.segments.all()), speaker_names(transcript)
    voices = {name_of(segment.speaker, names) for segment in segments}
    lines = [f"**[{_plain(str(transcript))}]({address})**"]
    if voices:
        lines.append(f"{_length(transcript.duration)}, {', '.join(sorted(map(_plain, voices)))}")
    lines += [_plain(transcript.note)] if transcript.note else []
    topics = topics_of(transcript, segments)[:TOPICS] if include_topics else []
    lines += [f"* {clock(topic.start)} {_plain(topic.title)}" for topic in topics]
    return "\n".join(lines)[:CONTENT_CHARACTERS]


def _length(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return ngettext("{minutes} minute", "{minutes} minutes", minutes).format(minutes=minutes)


def _plain(text: str) -> str:
    return text.translate(_PLAIN)
