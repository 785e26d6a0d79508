"""The queue in files that a machine uses which runs alone."""

import resource
import threading
from queue import Empty

import pytest
from kombu import Connection

from config.broker import Transport

MESSAGES = 150


@pytest.fixture
def connect(tmp_path):
    """A channel of its own for each process or thread, on the same files."""
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
    }
    return lambda: Connection(transport=Transport, transport_options=options).channel()


def test_messages_that_are_put_and_taken_at_once_all_arrive_whole(connect):
    def put(start):
        channel = connect()
        for number in range(start, start + MESSAGES):
            channel._put("quick", {"number": number, "padding": "x" * 2000})

    writers = [threading.Thread(target=put, args=(part * MESSAGES,)) for part in range(3)]
    for writer in writers:
        writer.start()
    channel, numbers = connect(), set()
    while any(writer.is_alive() for writer in writers) or channel._size("quick"):
        try:
            numbers.add(channel._get("quick")["number"])
        except Empty:
            continue
    assert numbers == set(range(3 * MESSAGES))


def test_messages_come_in_order_and_only_to_their_queue(connect):
    channel = connect()
    channel._put("long", 0)
    for number in range(10):
        channel._put("quick", number)
    assert [channel._get("quick") for _ in range(10)] == list(range(10))
    with pytest.raises(Empty):
        channel._get("quick")
    assert channel._get("long") == 0


@pytest.mark.parametrize("content", [b"", b'{"half', b"\xff"])
def test_a_message_that_was_cut_short_is_passed_over(connect, tmp_path, content):
    (tmp_path / "queue" / "0000_old.quick.msg").write_bytes(content)
    channel = connect()
    channel._put("quick", "new")
    with pytest.raises(Empty):
        channel._get("quick")
    assert channel._get("quick") == "new"


def test_a_message_for_which_there_is_no_room_leaves_nothing_behind(connect, tmp_path):
    """A limit on the size of files stands for a full disk: both break a message off in the middle."""
    channel = connect()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            channel._put("quick", {"padding": "x" * 2000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "queue").iterdir()) == []


def test_exchanges_that_are_made_at_once_by_several_are_all_known(connect):
    start, errors = threading.Barrier(8), []

    def bind(number):
        channel = connect()
        start.wait()
        try:
            for exchange in range(20):
                channel._queue_bind(f"exchange-{exchange}", "key", "", f"queue-{number}")
                channel.get_table(f"exchange-{exchange}")
        except ValueError as error:
            errors.append(error)

    threads = [threading.Thread(target=bind, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for exchange in range(20):
        queues = {row.queue for row in connect().get_table(f"exchange-{exchange}")}
        assert queues == {f"queue-{number}" for number in range(8)}
