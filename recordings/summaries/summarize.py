"""From a transcript to its title, summaries, topics and action items.

A long transcript is read in parts; the whole is made of what was said of the parts. All of it may be repeated after a
crash at any point: the answers about the parts are kept in the job, and not paid for twice.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import transaction

from platforms.exceptions import PlatformNotConfigured
from platforms.payloads import key_of
from platforms.work.heartbeat import keep_alive
from platforms.work.models import LeaseLost
from recordings import telling
from recordings.models import Summary, TopicHeading, Transcript, TranscriptEvent
from recordings.sending import queue
from recordings.summaries import schemas
from recordings.summaries.chat import ChatModel, language_model
from recordings.transcripts import search
from recordings.transcripts.formats import clock, name_of, speaker_names
from recordings.transcripts.topics import Topic, topics_of

PART_CHARACTERS = 24_000  # of a transcript that the model reads at a time
WHOLE_CHARACTERS = 60_000  # of what was said of the parts
LIMITS = {"title": 200, "short_summary": 2_000, "long_summary": 20_000}  # characters that are kept
HEADING_LIMIT, ENTRIES, ENTRY_LIMIT = 2_000, 50, 500
Headings = dict[str, dict[str, str]]  # "title" and "summary" of each topic, by its id
PROMPTS = Path(__file__).parent / "prompts"


def request(transcript: Transcript) -> bool:
    """Have a transcript summarised. False where there is no language model, or nothing was said."""
    if language_model() is None or not transcript.segments.exists():
        return False
    with transaction.atomic():
        _, is_new = Summary.objects.get_or_create(transcript=transcript)
        if not is_new:
            Summary.objects.filter(transcript=transcript).run_again()
        transaction.on_commit(Summary.enqueue)
    return True


def summarize(job: Summary) -> None:
    """Raises the errors of `platforms.exceptions`, and LeaseLost."""
    model = language_model()
    if model is None:
        raise PlatformNotConfigured("There is no language model: set LLM_API_URL and LLM_MODEL.")
    transcript = Transcript.objects.get(pk=job.transcript_id)
    topics = topics_of(transcript, transcript.segments.all())
    names = speaker_names(transcript)
    spoken = {topic.id: _spoken(topic, names) for topic in topics}
    about = key_of(model.model, *spoken.values())
    if job.checkpoint.get("about") != about:
        job.checkpoint = {"about": about}
    if transcript.deleted_at or job.checkpoint.get("is_kept"):
        return
    with keep_alive(job):
        code = transcript.source_language
        language = f"the language with the code {code}" if code else "the language of what you are given"
        headings = _headings(model, job, topics, spoken, language)
        whole = _whole(model, topics, headings, language)
    _keep(job, transcript, topics, headings, whole)


def on_permanent_failure(job: Summary, error: Exception) -> None:
    """The transcript is whole without: those who wait for it are told now."""
    _tell(Transcript.objects.get(pk=job.transcript_id))


def _spoken(topic: Topic, names: dict[int, str]) -> str:
    return "\n".join(f"{name_of(segment.speaker, names)}: {segment.text.strip()}" for segment in topic.segments)


def _headings(
    model: ChatModel, job: Summary, topics: list[Topic], spoken: dict[uuid.UUID, str], language: str
) -> Headings:
    known: Headings = job.checkpoint.get("headings", {})
    task = _prompt("topics", language)
    for part in _parts([topic for topic in topics if str(topic.id) not in known], spoken):
        about = "\n\n".join(f"# {number}\n{spoken[topic.id][:PART_CHARACTERS]}" for number, topic in enumerate(part, 1))
        answered = {entry["number"]: entry for entry in model.ask(task, about, schemas.TOPICS)["topics"]}
        for number, topic in enumerate(part, 1):
            entry = answered.get(number, {"title": "", "summary": ""})  # then the first words stay its title
            known[str(topic.id)] = {name: _plain(entry[name], HEADING_LIMIT) for name in ("title", "summary")}
        job.checkpoint["headings"] = known
        _write(job, checkpoint=job.checkpoint)
    return known


def _parts(topics: list[Topic], spoken: dict[uuid.UUID, str]) -> Iterator[list[Topic]]:
    part: list[Topic] = []
    size = 0
    for topic in topics:
        length = min(len(spoken[topic.id]), PART_CHARACTERS)
        if part and size + length > PART_CHARACTERS:
            yield part
            part, size = [], 0
        part.append(topic)
        size += length
    if part:
        yield part


def _whole(model: ChatModel, topics: list[Topic], headings: dict[str, dict[str, str]], language: str) -> dict[str, Any]:
    share = WHOLE_CHARACTERS // len(topics)
    lines = (f"{clock(topic.start)} {_line(headings[str(topic.id)]) or topic.text}"[:share] for topic in topics)
    return model.ask(_prompt("whole", language), "\n".join(lines), schemas.WHOLE)


def _line(heading: dict[str, str]) -> str:
    return ". ".join(filter(None, [heading["title"], heading["summary"]]))


def _prompt(name: str, language: str) -> str:
    return (PROMPTS / f"{name}.txt").read_text().format(language=language)


def _keep(
    job: Summary,
    transcript: Transcript,
    topics: list[Topic],
    headings: dict[str, dict[str, str]],
    whole: dict[str, Any],
) -> None:
    said = {name: _plain(whole[name], limit) for name, limit in LIMITS.items()}
    rows = [TopicHeading(transcript=transcript, topic=topic.id, **headings[str(topic.id)]) for topic in topics]
    with transaction.atomic():
        transcript = Transcript.objects.select_for_update().get(pk=transcript.pk)
        for name, text in said.items():
            if getattr(transcript, name) in {"", job.said.get(name, "")}:
                setattr(transcript, name, text)
        transcript.headings.all().delete()
        TopicHeading.objects.bulk_create([row for row in rows if row.title or row.summary])
        search.index(transcript)
        job.checkpoint = {"about": job.checkpoint["about"], "is_kept": True}
        _write(job, checkpoint=job.checkpoint, said=said, action_items=_items(whole["action_items"]))
        transcript.touch(TranscriptEvent.Kind.TOPICS, TranscriptEvent.Kind.ACTION_ITEMS)
        _tell(transcript)


def _items(found: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    """Nothing, rather than empty lists, where nothing was decided or undertaken."""
    items = {
        kind: [{name: _plain(text, ENTRY_LIMIT) for name, text in entry.items()} for entry in entries[:ENTRIES]]
        for kind, entries in found.items()
    }
    return items if any(items.values()) else {}


def _plain(text: str, limit: int) -> str:
    """What a database can hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode().strip()[:limit]


def _write(job: Summary, **values: Any) -> None:
    """Only the worker that holds the row can."""
    if not Summary.objects.filter(pk=job.pk, lease_token=job.lease_token).update(**values):
        raise LeaseLost


def _tell(transcript: Transcript) -> None:
    if transcript.deleted_at is None:
        telling.transcript_completed(transcript)
        queue.transcript_completed(transcript)
