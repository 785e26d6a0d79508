"""A mail server on loopback (RFC 5321): keeps what it is given, and answers with what a test says."""

import socketserver
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy


@dataclass(frozen=True)
class Delivered:
    sender: str
    recipient: str
    message: object

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()

    @property
    def files(self):
        return {part.get_filename(): part.get_content() for part in self.message.iter_attachments()}


class StubMail:
    """`refuse("RCPT", "550 no such person")` answers so to that word of the next conversation, and of each after it."""

    def __init__(self):
        self.delivered = []
        self.conversations = 0
        self._refusals = {}
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def refuse(self, word, answer):
        self._refusals[word] = answer

    def accept(self):
        self._refusals.clear()

    def _handler_class(stub):  # noqa: N805  (self is the handler below)
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                stub.conversations += 1
                self.say("220 stub ready")
                self.sender = self.recipient = ""
                while line := self.rfile.readline():
                    word = line.split(b":")[0].split()[0].decode().upper() if line.strip() else ""
                    if word == "QUIT":
                        self.say("221 bye")
                        return
                    self.answer(word, line.decode())

            def answer(self, word, line):
                if refusal := stub._refusals.get(word):
                    self.say(refusal)
                elif word == "DATA":
                    self.say("354 go ahead")
                    message = message_from_bytes(self.read_data(), policy=policy.default)
                    stub.delivered.append(Delivered(self.sender, self.recipient, message))
                    self.say(stub._refusals.get("END", "250 kept"))
                else:
                    if word in {"MAIL", "RCPT"}:
                        setattr(
                            self,
                            {"MAIL": "sender", "RCPT": "recipient"}[word],
                            line.partition("<")[2].partition(">")[0],
                        )
                    self.say("250 ok")

            def read_data(self):
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b"."))
                return b"".join(lines)

            def say(self, answer):
                self.wfile.write(f"{answer}\r\n".encode())

        return Handler
