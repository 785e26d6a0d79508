"""Each operation of the single-page app's contract, called over HTTP at the product as it runs, by three people."""

import json
import re
import sys

import pytest
import requests

from tests.contract.rows import ROWS
from tests.support.live import running_product
from tests.support.media import with_audio

PASSWORD = "correct horse battery"
ERROR = {"detail": (str, list), "code": str}
PEOPLE = ("guest", "stranger", "owner")
# Of the contract, and tested where they are built, as they are no single answer: /metrics, and the events' streams.
ELSEWHERE = [
    "GET /metrics",
    "GET /v1/events",
    "WS /v1/events",
    "GET /v1/transcripts/{transcript}/events",
    "WS the same",
]


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    secrets = {"WHEREBY_API_KEY": "key", "WHEREBY_WEBHOOK_SECRET": "secret"}
    daily = {"DAILY_API_KEY": "key", "DAILY_WEBHOOK_SECRET": "c2VjcmV0"}
    with running_product(tmp_path_factory.mktemp("product"), **secrets, **daily) as product:
        yield product


class Caller:
    def __init__(self, product):
        self.address = product.servers[0][0]
        found = product.tell("shell", "--verbosity=0", "-c", "from tests.contract.world import print_world as p; p()")
        self.names = {**json.loads(found.strip().splitlines()[-1]), "name": "contract"}
        self.headers = {"guest": {}} | {person: self.signed_in(person) for person in PEOPLE[1:]}
        meeting = self.call("owner", "POST /v1/rooms/{name}/meeting", {}).json()
        topics = self.call("owner", "GET /v1/transcripts/{transcript}/topics").json()
        key = self.call("owner", "POST /v1/user/api-keys", {"name": "spare"}).json()
        self.names |= {"meeting": meeting["id"], "topic": topics[0]["id"], "key": key["id"]}

    def signed_in(self, person):
        who = {"email": f"{person}@example.com", "password": PASSWORD}
        token = requests.post(f"{self.address}/v1/auth/login", json=who, timeout=60).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def call(self, person, call, body=None, query=None, path=None):
        method, address = call.format(**{**self.names, **(path or {})}).split(" ")
        if query is not None:
            address = f"{address.partition('?')[0]}?{query}"
        if isinstance(body, dict):
            body = {name: text.format(person=person) if isinstance(text, str) else text for name, text in body.items()}
        sent = {"files": {"chunk": with_audio()}} if body == "audio" else {"json": body}
        return requests.request(method, self.address + address, headers=self.headers[person], timeout=60, **sent)


def misfits(value, shape, place="answer"):
    """What of an answer is not as its row says; fields beyond those of the contract do no harm."""
    match shape:
        case None:
            return []
        case [] | [_] if not isinstance(value, list):
            return [f"{place} is no list"]
        case [inner]:
            return [problem for each in value for problem in misfits(each, inner, f"{place}[]")]
        case []:
            return []
        case dict() if not isinstance(value, dict):
            return [f"{place} is no object"]
        case dict():
            missing = [f"{place}.{name} is missing" for name in shape if name not in value]
            found = [(name, inner) for name, inner in shape.items() if name in value]
            return missing + [
                problem for name, inner in found for problem in misfits(value[name], inner, f"{place}.{name}")
            ]
        case _:
            return [] if isinstance(value, shape) else [f"{place} is {value!r}"]


def of_answer(answer, fields):
    if fields is bytes:
        return []
    return misfits(answer.json(), fields)


def problems_of(row, caller):
    found = []
    for person, expected in zip(PEOPLE, row.statuses, strict=True):
        answer = caller.call(person, row.call, row.body)
        if answer.status_code != expected:
            found.append(f"{person}: {answer.status_code} and not {expected}: {answer.text[:200]}")
        elif answer.status_code == 200:
            found += [f"{person}: {problem}" for problem in of_answer(answer, row.fields)]
        elif not row.call.startswith("HEAD") and not row.note:
            found += [f"{person}: {problem}" for problem in misfits(answer.json(), ERROR)]
    for change, status, detail in row.wrong:
        answer = caller.call("owner", row.call, **{"body": row.body} | change)
        told = answer.json()["detail"] if status >= 400 and answer.status_code >= 400 else ""
        if answer.status_code != status or (detail and not told.startswith(detail)):
            found.append(f"{change}: {answer.status_code} and not {status}: {answer.text[:200]}")
    return found


def test_every_operation_of_the_contract_is_served_as_it_says(product, capsys):
    caller = Caller(product)
    lines, wrong = [], []
    for row in ROWS:
        problems = problems_of(row, caller)
        wrong += [f"{row.call}: {problem}" for problem in problems]
        words = row.note or "served"
        name = re.sub(r"\?.*", "", row.call)
        lines.append(f"{name:75} {' '.join(map(str, row.statuses))}  {'NOT AS IT SAYS' if problems else words}")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, f"besides, tested elsewhere: {', '.join(ELSEWHERE)}", ""]))
    assert not wrong, "\n".join(wrong)
