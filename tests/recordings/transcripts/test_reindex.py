"""Writing the search's index anew."""

from io import StringIO

import pytest
from django.core.management import call_command

from platforms.listing import Listing
from recordings.models import SearchDocument, Segment, Transcript
from recordings.transcripts import search
from tests.support.transcripts import make_transcript

pytestmark = pytest.mark.django_db


def found(words):
    everything = Listing(Transcript.objects.all(), [Transcript.objects.all()], ["-id"])
    return set(search.ranked(everything, search.Query.parse(words), 10, 0)[0])


def reindex():
    out = StringIO()
    call_command("reindex_search", stdout=out)
    return out.getvalue().strip()


def test_what_was_changed_past_the_product_is_found_again(owner):
    changed, lost = make_transcript(owner), make_transcript(owner)
    Segment.objects.filter(transcript=changed, start=0).update(text="A penguin.")
    SearchDocument.objects.filter(transcript=lost).delete()
    assert found("penguin") == set()
    assert found("budget") == {changed.pk}
    assert reindex() == "2 transcripts indexed"
    assert found("penguin") == {changed.pk}
    assert found("budget") == {changed.pk, lost.pk}


def test_nothing_to_index_is_no_error():
    assert reindex() == "0 transcripts indexed"
