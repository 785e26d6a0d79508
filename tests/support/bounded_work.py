"""What a bounded child of the tests does: whatever its worker asks for, be it the end of it."""

import ctypes
import logging
import os
import signal
import time

EVERYTHING = 1 << 40  # bytes


def serve(channel):
    kind, content = channel.receive()
    match kind:
        case b"E":
            channel.send(b"A", content)
        case b"C":
            ctypes.string_at(0)
        case b"M":
            bytes(EVERYTHING)
        case b"B":
            while True:
                pass
        case b"S":
            time.sleep(3600)
        case b"K":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"R":
            raise ValueError("no such luck")
        case b"W":
            open(content.decode(), "w").write("x")  # noqa: PTH123, SIM115
        case b"N":
            logging.getLogger("tests.child").warning("seen %s", content.decode())
            channel.send(b"A", str(os.getpid()).encode())
            channel.receive()
