"""Clients that follow what happens, by WebSocket and by Server-Sent Events."""

import json
from contextlib import contextmanager

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Followed:
    """Messages of a connection, each waited for; PING is left out. `last_id` is the cursor to resume by."""

    def __init__(self, texts):
        self._texts = texts
        self.last_id = None

    def next(self):
        for text in self._texts:
            message = json.loads(text)
            self.last_id = message.pop("id", self.last_id)
            if message["event"] != "PING":
                return message
        raise AssertionError("the connection has ended")

    def until(self, event):
        """All messages up to the first of that name."""
        found = [self.next()]
        while found[-1]["event"] != event:
            found.append(self.next())
        return found

    def begin(self):
        """Wait until the server follows on; what it sends before that."""
        found = []
        for text in self._texts:
            message = json.loads(text)
            self.last_id = message.pop("id", self.last_id)
            if message["event"] == "PING":
                return found
            found.append(message)
        raise AssertionError("the connection has ended")


@contextmanager
def socket(address, path, token=None, **kwargs):
    """A WebSocket as a browser's script opens it."""
    protocols = ["bearer", token] if token else None
    with connect(address.replace("http", "ws", 1) + path, subprotocols=protocols, **kwargs) as connection:
        yield connection


@contextmanager
def followed(address, path, token=None, **kwargs):
    with socket(address, path, token, **kwargs) as connection:
        yield Followed(received(connection))


def received(connection, seconds=20):
    while True:
        yield connection.recv(timeout=seconds)


def close_code(address, path, token=None, **kwargs):
    """By which the server ends it, without a message before."""
    with socket(address, path, token, **kwargs) as connection:
        return code_of(connection)


def code_of(connection):
    """By which the server ends it, whatever comes before."""
    try:
        while True:
            connection.recv(timeout=20)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


@contextmanager
def event_source(address, path, headers=None):
    with requests.get(address + path, headers=headers, stream=True, timeout=20) as answer:
        assert answer.status_code == 200, answer.text
        lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
        yield Followed(line.removeprefix("data: ") for line in lines if line.startswith("data: "))
