from typing import Any

from django import template

from recordings.models import Summary, Transcript
from recordings.transcripts.formats import clock
from recordings.transcripts.topics import topics_of

register = template.Library()
WAITS = {Summary.State.WAITING, Summary.State.RUNNING}


@register.inclusion_tag("recordings/summary.html")
def summary_of(transcript: Transcript, is_own: bool) -> dict[str, Any]:
    """What a language model made of a transcript, if there is one; why it made nothing is for the owner."""
    summary = Summary.objects.filter(transcript=transcript).first()
    topics = topics_of(transcript, transcript.segments.defer("words")) if transcript.headings.all() else []
    return {
        "short_summary": transcript.short_summary,
        "long_summary": transcript.long_summary,
        "action_items": summary.action_items if summary else {},
        "topics": [{"clock": clock(t.start), "title": t.title, "summary": t.summary} for t in topics],
        "waits": bool(summary and summary.state in WAITS),
        "why_not": summary.last_error if summary and is_own and summary.state == Summary.State.FAILED else "",
    }
