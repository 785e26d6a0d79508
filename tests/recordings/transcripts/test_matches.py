"""The quick way to find the lines of plain English gives what comparing its words gives."""

from itertools import product

import pytest

from recordings.transcripts.matches import lines_among_words, plain_lines_with
from recordings.transcripts.search import Query

LONG = "b" * 200
BODIES = [
    "",
    "budget",
    "The budget, once more\nand no word of it\nBUDGET's (budget) bud-get budgets\n\nnext_budget budget_next",
    "x " * 60 + "budget" + " y" * 60 + "\n" + "x" * 300 + " budget\nand the budget",
    f"{LONG} tail\n{LONG}b tail\n{LONG[1:]} tail\n{LONG[2:]}",
    "Größe und Straße\nÜber das Budget\nbudget größer\ngrosse caf\u00e9 budget\ncafe budget",
    "\tbudget\x0bbudget\x7fbudget\nline\r\nbudget",
]
QUERIES = [
    *(
        "budget",
        "bud",
        "bu",
        "get",
        "the budget",
        "budget or once",
        "budgets budget",
        "word -budget",
        "-budget",
        "*",
        "",
    ),
    *(
        "grosse",
        "Größe",
        "strasse",
        "über",
        "cafe",
        "tail",
        LONG,
        LONG[1:],
        LONG[2:],
        LONG[3:],
        "bbb",
        '"budget"',
        "xx",
    ),
]


@pytest.mark.parametrize("most", [1, 3, 100])
def test_it_is_the_same(most):
    compared = 0
    for body, text in product(BODIES, QUERIES):
        query = Query.parse(text)
        if (found := plain_lines_with(body, query, most)) is not None:
            compared += 1
            assert (body, text, *found) == (body, text, *lines_among_words(body, query, most))
    assert compared > len(BODIES) * len(QUERIES) * 0.8


@pytest.mark.parametrize("text", ['"the budget"', "bud-get", LONG])
def test_what_may_go_on_in_the_next_line_or_is_cut_is_no_case_for_it(text):
    assert plain_lines_with("the\nbudget", Query.parse(text), 3) is None


def test_nor_are_other_scripts():
    assert plain_lines_with("budget\n予算", Query.parse("budget"), 3) is None
