"""Finding transcripts by what was said: the same on both databases."""

import time

import pytest

from platforms.listing import Listing
from recordings.models import SearchDocument, Transcript
from recordings.transcription.processors.base import Result, Segment
from recordings.transcription.results import save_result
from recordings.transcripts.matches import matching_lines, snippets, spans
from recordings.transcripts.search import Query, index, ranked
from tests.support.migrations import migrated
from tests.support.transcripts import make_transcript, said

pytestmark = pytest.mark.django_db


def among(transcripts):
    return Listing(transcripts, [transcripts], Transcript._meta.ordering)


def find(text, limit=20, offset=0):
    ranks, total = ranked(among(Transcript.objects.all()), Query.parse(text), limit, offset)
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
            ("budge", {"one", "two", "three"}),  # the beginning of a word
            ("bu", set()),
            ('"budge"', set()),
            ('"the budg"', set()),
            ("hiring -budge", {"one"}),
            ("plan", {"three"}),
            ("ada budget", {"one", "two", "three"}),  # a speaker's name
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
        ranks, _ = ranked(among(Transcript.objects.all()), Query.parse("budget"), 20, 0)
        assert all(0 <= rank <= 1 for rank in ranks.values())
        assert list(ranks.values()) == sorted(ranks.values(), reverse=True)

    def test_pages_hold_each_once_and_know_the_total(self):
        pages = [find("budget", 1, offset) for offset in range(4)]
        assert [total for _, total in pages] == [3, 3, 3, 3]
        assert sorted(name for found, _ in pages for name in found) == ["one", "three", "two"]

    def test_only_what_is_allowed_is_found_and_counted(self):
        allowed = Transcript.objects.filter(name="two")
        ranks, total = ranked(among(allowed), Query.parse("budget"), 20, 0)
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


LINK = "See www.example.com/docs?id=7&amp;x, or ask ada@example.com"
CHINESE, JAPANESE, KOREAN = (
    "今天的会议讨论了预算。下一个项目",
    "きょうの会議では、予算を決めました",
    "오늘 회의에서는 예산을 정했습니다",
)
THAI, HINDI, ARABIC = "วันนี้เราประชุมเรื่องงบประมาณ", "हिन्दी में बजट", "اجتماع الميزانية"


@pytest.mark.parametrize(
    ("text", "found", "not_found"),
    [
        (
            "the design/build phase",
            ["build", "design", "design/build", '"design build phase"'],
            ["esign", "de", '"des"'],
        ),
        ("pi is 3.14, or -5", ["3.14", "14", "5"], ["314", "4.13"]),
        ("on 2025-11-20", ["2025-11-20", "11", "2025", '"11 20"'], ["20251120", '"20 11"']),
        (
            LINK,
            ["ada@example.com", "example", "www.example.com", "docs", "amp", "id=7", "example.com/docs"],
            ["xample", '"exam"'],
        ),
        ("covid-19 and ISO-27001", ["19", "covid", "covid-19", "iso-27001", "27001"], ["covid19"]),
        ("snake_case and it's e-mail", ["snake", "case", "snake_case", "it's", "its or s", "mail"], ["its"]),
        ("1e5 0x1F 10th x86_64 C3PO 4K", ["1e5", "0x1f", "10th", "x86", "64", "c3po", "4k"], ["1", "e5", "10", "th"]),
        ("<b>bold</b> & 50% \\ 'quoted'", ["b", "bold", "50%", "quoted", "<b>"], ["old"]),
        (
            "Die Straße, ΣΊΣΥΦΟΣ, ÉCOLE",
            ["strasse", "STRASSE", "straße", "σίσυφος", "σισυφος", "école", "e\u0301cole", "ecole"],
            ["trasse"],
        ),
        (
            "Büro, cafés, Łódź, smørrebrød, Æsop, naïve",
            ["buro", "BÜRO", "cafes", "lodz", "smorrebrod", "aesop"],
            ["bueros"],
        ),
        ("ё, Ёлка, שָׁלוֹם, مُحَمَّد", ["елка", "ёлка", "שלום", "محمد"], ["лка"]),
        ("ＡＢＣ １２３ ﬁnal ｶﾞﾗｽ", ["abc", "123", "final", "ガラス"], ["gala"]),
        (
            CHINESE,
            ["会议", "會议 or 会议", "讨论", "议", "今", "目", "今天的会议讨论了预算", '"会议 讨论"'],
            ["会讨", "预目"],
        ),
        (CHINESE, ["会议 项目", '"预算 下一个"', "预算。下一个"], ["天议"]),
        ("用AI写2025年的报告 𠮷野家", ["ai", "写", "2025", "AI写2025", "年的", "𠮷野", "𠮷"], ["025", "写ai"]),
        (JAPANESE, ["会議", "きょう", "予算", "決め", "決めました", "では、予算"], ["会予", "ました予"]),
        ("ミーティングのアジェンダ", ["ミーティング", "アジェンダ", "ﾐｰﾃｨﾝｸﾞ", "ー"], ["ミテ"]),
        (KOREAN, ["회의", "회의에서", "예산", "예산을", "회의 예산"], ["회산", "예을"]),
        (THAI, ["ประชุม", "วันนี้", "งบประมาณ", "เรา"], ["ประเรื่อง", "ชมุ"]),
        ("हिन्दी में बजट", ["हिन्दी", "बजट"], ["हनद", '"हिन"']),
        ("اجتماع الميزانية", ["الميزانية", "اجتماع"], ["ميزانية"]),
        ("សួស្តីពិភពលោក မင်္ဂလာပါ", ["ពិភព", "လာ"], ["ភពពិ"]),
        ("1️⃣ first ❤️ love 👩‍💻", ["1", "first love", '"love"'], ["👩‍💻", "❤️"]),
    ],
)
def test_a_text_is_found_by_its_words_and_by_no_others(owner, text, found, not_found):
    body = make_transcript(owner, said("Before.", text, "After.")).search_document.body
    for query in found:
        assert names(query) == {"standup"}, query
        assert snippets(body, Query.parse(query))[1] == 1, query
        assert names(f"before -{query}") == set() or len(Query.parse(query).wanted()) > 1, query
    for query in not_found:
        assert names(query) == set(), query
        assert snippets(body, Query.parse(query)) == ([], 0), query
        assert names(f"before -{query}") == {"standup"}, query


def test_words_of_other_alphabets_are_found(owner):
    make_transcript(owner, said("Zoë spricht über Größe", "Привет, мир"), name="de")
    assert names("größe") == names("привет") == names("zoë") == {"de"}
    assert names("zoe") == names("GROSSE") == {"de"}


def test_a_result_that_replaces_another_replaces_what_is_found(owner):
    transcript = make_transcript(owner, said("apples"))
    assert names("apples") == {"standup"}
    save_result(transcript.recording, Result(segments=[Segment(0, 1, "", "pears")]))
    assert names("apples") == set()
    assert names("pears") == {"standup"}


def test_who_spoke_is_found_by_the_name_that_they_have_now(owner):
    transcript = make_transcript(owner, said("apples", speaker="Müller"))
    assert names("muller") == names("müll apples") == {"standup"}
    transcript.participants.update(name="Zoë")
    index(transcript)
    assert (names("muller"), names("zoe")) == (set(), {"standup"})


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

    def test_a_phrase_that_goes_on_in_the_next_segment_shows_both(self):
        assert snippets("We need a\n\nnew budget.\nYes.", Query.parse('"a new"')) == (["We need a\n\nnew budget."], 1)

    def test_words_inside_a_run_of_characters_are_shown(self):
        shown, count = snippets(
            f"{'一二三四五六七八九十' * 20}会议{'一二三四五六七八九十' * 20}\n会", Query.parse("会议")
        )
        assert count == 1
        assert "会议" in shown[0]
        assert len(shown[0]) < 200


class TestSpans:
    @pytest.mark.parametrize(
        ("text", "query", "expected"),
        [
            ("今天的会议讨论了预算", "会议 预算", ["会议", "预算"]),
            ("회의에서는", "회의", ["회의"]),
            ("วันนี้เราประชุม", "ประชุม", ["ประชุม"]),
            ("3.14, example.com/docs", '3.14 "example com"', ["3.14", "example.com"]),
            ("Die Straße, im CAFE\u0301!", "strasse café", ["Straße", "CAFE\u0301"]),
            ("ｶﾞﾗｽと１２３", "ガラス 123", ["ｶﾞﾗｽ", "１２３"]),
            ("a b c d", '"a b c" "b c d"', ["a b c d"]),
            ("会会会", "会会", ["会会会"]),
            ("Deployments, deploy", "deploy", ["Deployments", "deploy"]),
            ("ein Büro, x\u0302 und Æther", "buro x aether", ["Büro", "x\u0302", "Æther"]),
            ("½ and ﷺ", "1 الله", ["½", "ﷺ"]),
            ("nothing", "other", []),
            ("", "x", []),
            ("text", "-text", []),
        ],
    )
    def test_they_are_of_the_text_as_it_is_written(self, text, query, expected):
        assert [text[first:after] for first, after in spans(text, Query.parse(query))] == expected


def test_the_beginning_of_a_word_far_into_a_transcript_is_found(owner):
    make_transcript(owner, said("plum", *["so it goes on and on"] * 4000, "a purple/bicycle"))
    assert names("bicy") == names("purple/bicy") == names("plum a/pur") == {"standup"}
    assert names("purple/icycle") == names("plum/bicy") == set()


def test_a_phrase_far_into_a_transcript_is_found(owner):
    """PostgreSQL's vectors know the places of the first 16,383 words."""
    make_transcript(owner, said("plum", *["so it goes on and on"] * 4000, "the purple bicycle", "今天的会议"))
    for query in ('"purple bicycle"', '"on the purple"', "今天的", "的会议"):
        assert names(query) == {"standup"}, query
    for query in ('"bicycle purple"', "天会议", '"plum bicycle"', 'bicycle -"purple bicycle"'):
        assert names(query) == set(), query
    assert names('bicycle -"bicycle purple"') == {"standup"}


def test_a_long_phrase_in_a_long_transcript_takes_no_time(owner):
    """As many words as a query can have, nearly matching at every place of 1 MB."""
    body = "a b " * 250_000
    query = Query.parse(f'"{"a b " * 240}c" or zebra')
    started = time.process_time()
    assert matching_lines(body, query) == ({}, 0)
    assert spans(body, query) == []
    assert time.process_time() - started < 1.5


@pytest.mark.django_db(transaction=True)
def test_what_was_indexed_by_the_databases_own_parsers_is_found_by_its_words_now():
    with migrated("recordings", "0004_transcript_is_everybodys") as apps:
        transcript = apps.get_model("recordings", "Transcript").objects.create(name="old/times", source_kind="room")
        documents = apps.get_model("recordings", "SearchDocument").objects
        documents.create(transcript=transcript, title="old/times", body="3.14 of 今天的会议\n\ncafé")
        transcript.participants.create(name="Müller")
        documents.create(transcript=apps.get_model("recordings", "Transcript").objects.create(name="other"))
    for query in ("times", "会议", "14", '"of 今天"', "cafe", "muller"):
        assert names(query) == {"old/times"}, query
    assert SearchDocument.objects.get(transcript__name="old/times").body == "3.14 of 今天的会议\n\ncafé"
