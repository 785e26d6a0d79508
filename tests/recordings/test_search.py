"""Finding transcripts by what was said: the same on both databases."""

import pytest

from recordings.models import SearchDocument, Transcript
from recordings.processors.base import Result, Segment
from recordings.search import Query, index, ranked, snippets
from recordings.transcripts import save_result
from tests.recordings.transcripts import make_transcript, said

pytestmark = pytest.mark.django_db


def find(text, limit=20, offset=0):
    ranks, total = ranked(Transcript.objects.all(), Query.parse(text), limit, offset)
    return [Transcript.objects.get(pk=pk).name for pk in ranks], total


def names(text):
    return set(find(text)[0])


@pytest.fixture
def _three(owner):
    make_transcript(owner, said("We discuss the budget.", "Hiring goes on."), name="one")
    make_transcript(owner, said("The budget, the budget and the budget!"), name="two")
    make_transcript(owner, said("Nothing of interest."), name="three", title="Budget planning")
    for transcript in Transcript.objects.all():
        index(transcript)


@pytest.mark.usefixtures("_three")
class TestQuery:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("budget", {"one", "two", "three"}),
            ("BUDGET", {"one", "two", "three"}),
            ("budget hiring", {"one"}),  # in different segments
            ('"the budget"', {"one", "two"}),
            ('"budget the"', {"two"}),
            ("budget -hiring", {"two", "three"}),
            ("hiring or interest", {"one", "three"}),
            ('hiring OR "the budget and"', {"one", "two"}),
            ("budge", set()),
            ("planning", {"three"}),
            ("hiring!", {"one"}),
            ("-budget", set()),
            ("", set()),
            ("...", set()),
        ],
    )
    def test_words_phrases_exclusions_and_alternatives(self, text, expected):
        assert names(text) == expected

    def test_what_matches_better_comes_first_and_a_title_counts_more(self):
        assert find("budget")[0][-1] == "one"
        assert find("planning or discuss")[0] == ["three", "one"]
        ranks, _ = ranked(Transcript.objects.all(), Query.parse("budget"), 20, 0)
        assert all(0 <= rank <= 1 for rank in ranks.values())
        assert list(ranks.values()) == sorted(ranks.values(), reverse=True)

    def test_pages_hold_each_once_and_know_the_total(self):
        pages = [find("budget", 1, offset) for offset in range(4)]
        assert [total for _, total in pages] == [3, 3, 3, 3]
        assert sorted(name for found, _ in pages for name in found) == ["one", "three", "two"]

    def test_only_what_is_allowed_is_found_and_counted(self):
        allowed = Transcript.objects.filter(name="two")
        ranks, total = ranked(allowed, Query.parse("budget"), 20, 0)
        assert (len(ranks), total) == (1, 1)

    @pytest.mark.parametrize(
        "text",
        [
            *(
                '"',
                '""',
                "'",
                "a AND",
                "NOT",
                "(",
                ")",
                "a NEAR(b)",
                "*",
                "bud*",
                "title:budget",
                "^x",
                "a OR",
                "OR OR or",
            ),
            *("a & | ! <-> b", ":*", "\\", "%", "budget'--", "'; DROP TABLE x; --", "-", "--", '-"', "{a}", "a:b:c"),
            *("x" * 10_000, "a " * 10_000, '"' * 5_000, "-a " * 100, "日本語", "💥", "\ud800", "\x00", "é\u0301", "_"),
        ],
    )
    def test_any_text_is_a_query(self, text):
        find(text.replace("\x00", " ").encode("utf-8", "ignore").decode())


def test_words_of_other_alphabets_are_found(owner):
    make_transcript(owner, said("Zoë spricht über Größe", "Привет, мир"), name="de")
    assert names("größe") == names("привет") == names("zoë") == {"de"}
    assert names("zoe") == set()


def test_a_result_that_replaces_another_replaces_what_is_found(owner):
    transcript = make_transcript(owner, said("apples"))
    assert names("apples") == {"standup"}
    save_result(transcript.recording, Result(segments=[Segment(0, 1, "", "pears")]))
    assert names("apples") == set()
    assert names("pears") == {"standup"}


def test_a_deleted_transcript_is_found_no_more(owner):
    make_transcript(owner, said("apples")).delete()
    assert names("apples") == set()
    assert not SearchDocument.objects.exists()


def test_more_different_words_than_an_index_can_hold_are_no_error(owner):
    words = " ".join(f"word{n:07}" for n in range(150_000))
    make_transcript(owner, said("apples", words))
    assert names("apples") == {"standup"}


class TestSnippets:
    def test_they_show_the_place_and_count_the_segments(self):
        body = "One apple.\nNo fruit.\nAn apple and another apple.\nApple!\nAPPLE\npineapple"
        shown, count = snippets(body, Query.parse("apple"))
        assert shown == ["One apple.", "An apple and another apple.", "Apple!"]
        assert count == 4

    def test_a_long_segment_is_cut_around_the_match(self):
        shown, _ = snippets("x " * 500 + "apple" + " y" * 500, Query.parse("apple"))
        assert len(shown[0]) < 200
        assert shown[0].startswith("…")
        assert shown[0].endswith("…")
        assert "apple" in shown[0]

    def test_phrases_and_words_but_not_exclusions_are_shown(self):
        shown, _ = snippets("red, apple\ngreen pear\nplum", Query.parse('"red apple" or pear -plum'))
        assert shown == ["red, apple", "green pear"]
