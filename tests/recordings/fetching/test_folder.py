"""Fetching into a folder: parts that outlive their worker, who may finish them, and the limits."""

import fcntl
import json
import threading
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from platforms.exceptions import PlatformError, PlatformUnavailable
from platforms.work.heartbeat import Heartbeat
from platforms.work.models import LeaseLost
from recordings.fetching.download import FetchFailed, UrlSource, examine, fetch, forget
from recordings.fetching.download.base import Version
from recordings.fetching.download.destinations import LocalDestination
from tests.drills import faulty_server
from tests.support.fetching import (  # noqa: F401
    CONTENT,
    NAME,
    Hold,
    fetched,
    files_left,
    is_file,
    part_then,
    server,
    source_of,
    stored,
)

HALF = len(CONTENT) // 2


def busy(seconds):
    return lambda x: x.say(503, Retry_After=str(seconds), Content_Length="0")


def destination():
    return LocalDestination(Path(storages["recordings"].path(NAME)), Heartbeat(Hold()))


@pytest.fixture
def halved(server):  # noqa: F811
    """A file of which an earlier attempt fetched half, until the server asked for more time than anybody waits."""
    file = server.host(CONTENT, part_then(0.5, busy(600)))
    with pytest.raises(PlatformUnavailable):
        fetched(server, file)
    file.fault = faulty_server.nothing
    file.sent = 0
    return file


def part():
    (name,) = [name for name in files_left() if name.endswith(".part")]
    return storages["recordings"].path(name)


# Going on


def test_a_file_is_stored_under_its_name_and_nothing_else_is_left(server):  # noqa: F811
    file = server.host(CONTENT)
    assert is_file(fetched(server, file), CONTENT)
    assert files_left() == [NAME]
    assert file.sent == len(CONTENT)


def test_an_empty_file_is_a_file(server):  # noqa: F811
    assert is_file(fetched(server, server.host(b"")), b"")


def test_the_next_attempt_goes_on_where_the_last_one_stopped(server, halved):  # noqa: F811
    assert is_file(fetched(server, halved), CONTENT)
    assert halved.sent == len(CONTENT) - HALF
    assert files_left() == [NAME]


def test_a_part_is_not_taken_for_the_file(halved):
    assert len([name for name in files_left() if name.endswith(".part")]) == 1
    assert not storages["recordings"].exists(NAME)


def test_a_part_of_another_version_is_not_gone_on_with(server, halved):  # noqa: F811
    halved.replace()
    assert is_file(fetched(server, halved), halved.content)
    assert halved.sent == len(CONTENT)


@pytest.mark.parametrize("damage", ["", "{", '{"validator": ""}', '{"other": 1}', "[]"])
def test_a_part_of_which_nobody_knows_what_it_is_a_part_of_is_removed(server, halved, damage):  # noqa: F811
    notes = part().replace(".part", ".json")
    with open(notes, "w") as file:  # noqa: PTH123
        file.write(damage)
    assert is_file(fetched(server, halved), CONTENT)
    assert halved.sent == len(CONTENT)
    assert files_left() == [NAME]


def test_a_part_that_is_whole_already_is_not_fetched_again(server, halved):  # noqa: F811
    with open(part(), "ab") as file:  # noqa: PTH123
        file.write(CONTENT[HALF:])
    assert is_file(fetched(server, halved), CONTENT)
    assert halved.sent == 0


def test_a_file_that_is_there_is_not_fetched_again(server):  # noqa: F811
    """Its worker was killed after the file was whole, and before it could say so."""
    file = server.host(CONTENT)
    fetched(server, file)
    file.fault = faulty_server.be_gone
    assert is_file(fetched(server, file), CONTENT)
    assert files_left() == [NAME]


def test_a_file_that_is_wanted_anew_is_replaced_when_the_new_one_is_whole(server):  # noqa: F811
    file = server.host(CONTENT)
    fetched(server, file)
    old, file.fault = file.content, faulty_server.be_gone
    with pytest.raises(FetchFailed):
        fetched(server, file, anew=True)
    assert stored() == old
    file.replace()
    file.fault = faulty_server.nothing
    assert is_file(fetched(server, file, anew=True), file.content)
    assert files_left() == [NAME]


def test_what_attempts_have_left_can_be_forgotten(halved):
    forget(NAME)
    assert files_left() == []
    assert not storages["recordings"].exists(NAME.partition("/")[0])


def test_what_is_in_the_storage_can_be_examined():
    storages["recordings"].save(NAME, ContentFile(CONTENT))
    assert is_file(examine(NAME, Hold()), CONTENT)


# Who may finish


def test_a_worker_that_has_lost_its_work_leaves_nothing(server):  # noqa: F811
    file = server.host(CONTENT, rate=400_000)
    with pytest.raises(LeaseLost):
        fetched(server, file, Hold(renewals=2, seconds=1))
    assert file.sent < len(CONTENT)
    assert files_left() == []


def test_the_work_is_renewed_while_bytes_come(server):  # noqa: F811
    held = Hold(seconds=1.8)
    fetched(server, server.host(CONTENT, rate=400_000), held)
    assert held.renewed >= 4


def test_the_work_is_renewed_while_a_server_does_not_answer(server):  # noqa: F811
    def answer_late(x):
        time.sleep(0.7)
        x.serve()

    held = Hold(seconds=0.6)
    fetched(server, server.host(CONTENT, answer_late), held)
    assert held.renewed >= 5


def test_the_part_of_a_worker_that_sleeps_is_taken_away_from_it():
    """Its lease ran out, another takes over, then it wakes up and wants to finish."""
    asleep, awake = destination(), destination()
    for worker, content in ((asleep, b"asleep"), (awake, b"awake!")):
        worker.prepare()
        worker.restart(Version('"1"', 6))
        worker.write(content)
    with pytest.raises(LeaseLost):
        asleep.finish()
    awake.finish()
    assert stored() == b"awake!"
    asleep.discard()
    assert files_left() == [NAME]


def test_a_worker_that_sleeps_cannot_replace_what_another_has_stored():
    asleep, awake = destination(), destination()
    asleep.prepare()
    asleep.restart(Version('"1"', 6))
    asleep.write(b"asleep")
    awake.prepare()
    awake.restart(Version('"1"', 6))
    awake.write(b"awake!")
    awake.finish()
    with pytest.raises(LeaseLost):
        asleep.finish()
    assert stored() == b"awake!"
    asleep.discard()
    assert files_left() == [NAME]


def test_a_part_that_is_locked_is_left_to_whoever_writes_to_it(halved, server):  # noqa: F811
    with open(part(), "r+b") as other:  # noqa: PTH123
        fcntl.flock(other, fcntl.LOCK_EX)
        assert is_file(fetched(server, halved), CONTENT)
        other.seek(0)
        other.write(b"too late")
        other.flush()
    assert stored() == CONTENT


def test_of_several_parts_the_longest_is_gone_on_with(server, halved):  # noqa: F811
    longest = part()
    for number in range(2):
        short = longest.replace(".part", f"{number}.part")
        with open(short, "wb") as file:  # noqa: PTH123
            file.write(CONTENT[:10])
        with open(short.replace(".part", ".json"), "w") as notes:  # noqa: PTH123
            json.dump({"validator": halved.etag, "size": len(CONTENT)}, notes)
    assert is_file(fetched(server, halved), CONTENT)
    assert halved.sent == len(CONTENT) - HALF
    assert files_left() == [NAME]


def test_two_workers_at_once_store_one_file(server):  # noqa: F811
    file = server.host(CONTENT, rate=2_000_000)
    outcomes = []

    def job():
        try:
            outcomes.append(fetched(server, file))
        except LeaseLost as error:
            outcomes.append(error)

    workers = [threading.Thread(target=job) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert any(not isinstance(outcome, LeaseLost) for outcome in outcomes)
    assert stored() == CONTENT
    assert files_left() == [NAME]


# Limits


def test_a_file_that_says_it_is_too_large_is_not_begun(server, settings):  # noqa: F811
    settings.RECORDING_MAX_BYTES = len(CONTENT) - 1
    file = server.host(CONTENT, rate=100_000)
    with pytest.raises(FetchFailed, match="larger than 1023999 bytes"):
        fetched(server, file)
    assert file.sent < 300_000
    assert files_left() == []


def test_a_file_that_does_not_say_so_is_left_at_the_limit(server, settings):  # noqa: F811
    settings.RECORDING_MAX_BYTES = 300_000
    with pytest.raises(FetchFailed, match="larger than 300000 bytes"):
        fetched(server, server.host(CONTENT, faulty_server.never_end))
    assert files_left() == []


def test_a_file_that_does_not_fit_on_the_disk_is_tried_again_later(server, settings):  # noqa: F811
    settings.RECORDINGS_KEEP_FREE = 10**18
    with pytest.raises(PlatformUnavailable, match="too little room") as caught:
        fetched(server, server.host(CONTENT))
    assert caught.value.retry_after >= 60


def test_an_attempt_ends_in_time_and_keeps_what_it_has(server, settings):  # noqa: F811
    settings.RECORDING_DEADLINE_SECONDS = 0.5
    file = server.host(CONTENT, rate=1_000_000)
    started = time.monotonic()
    with pytest.raises(PlatformUnavailable, match="took too long"):
        fetched(server, file)
    assert time.monotonic() - started < 15
    settings.RECORDING_DEADLINE_SECONDS = 60
    before, file.rate = file.sent, 0
    assert is_file(fetched(server, file), CONTENT)
    assert file.sent - before < len(CONTENT) * 0.8


def test_a_server_that_asks_for_time_is_given_it_by_whoever_repeats_the_work(server):  # noqa: F811
    with pytest.raises(PlatformUnavailable, match="answered 503") as caught:
        fetched(server, server.host(CONTENT, busy(120)))
    assert caught.value.retry_after == 120


def test_a_server_cannot_ask_for_more_than_an_hour(server):  # noqa: F811
    with pytest.raises(PlatformUnavailable) as caught:
        fetched(server, server.host(CONTENT, busy(999_999)))
    assert caught.value.retry_after == 3600


# Links


def test_a_link_that_is_over_is_asked_for_again_once(server):  # noqa: F811
    asked = []

    def link():
        asked.append(1)
        return server.link(file)

    file = server.host(CONTENT)
    old = server.link(file)
    file.link += 1
    file.fault = faulty_server.expire
    assert is_file(fetch(UrlSource(link, old), NAME, Hold()), CONTENT)
    assert len(asked) <= 2
    asked.clear()
    file.fault = faulty_server.refuse
    with pytest.raises(FetchFailed, match="also by a fresh link") as caught:
        fetch(UrlSource(link, old), "another", Hold())
    assert len(asked) == 1
    assert caught.value.can_retry


def test_no_failure_quotes_a_link(server, caplog):  # noqa: F811
    for fault in (faulty_server.refuse, faulty_server.be_gone, faulty_server.fail, faulty_server.redirect_inside):
        with pytest.raises(PlatformError) as caught:
            fetched(server, server.host(CONTENT, fault))
        assert "signature" not in str(caught.value)
    fetch(source_of(server, server.host(CONTENT)), NAME, Hold())
    assert "signature" not in caplog.text
