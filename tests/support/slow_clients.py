"""Clients that hold on to what they are given: bodies that they do not finish, and answers that they do not read."""

import socket
import time
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import requests


def connect(address, receive_buffer=None):
    parts = urlsplit(address)
    channel = socket.socket()
    if receive_buffer:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    channel.settimeout(60)
    channel.connect((parts.hostname, parts.port))
    return channel


def request_of(method, path, headers=None, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def held_open(address, request, count, receive_buffer=None):
    """So many connections on which a request was sent, and on which nothing more happens."""
    channels = [connect(address, receive_buffer) for _ in range(count)]
    try:
        for channel in channels:
            channel.sendall(request)
        yield channels
    finally:
        for channel in channels:
            channel.close()


def unfinished(path, length=1000, content_type="application/json"):
    headers = {"Content-Type": content_type, "Content-Length": length}
    return request_of("POST", path, headers, b"{")


def answer_of(channel):
    """All that comes until the server closes the connection."""
    found = b""
    while part := channel.recv(65536):
        found += part
    return found


def exchange(address, request):
    """What a request is answered by a server that closes the connection after it."""
    with closing(connect(address)) as channel:
        channel.sendall(request)
        return answer_of(channel)


def timed(call, count=40):
    """How long each of so many calls took, in seconds, and what they returned."""
    times, found = [], []
    for _ in range(count):
        started = time.monotonic()
        found.append(call())
        times.append(time.monotonic() - started)
    return sorted(times), found


def status_of(method, url, **kwargs):
    return requests.request(method, url, timeout=10, **kwargs).status_code
