"""Files that end what decodes them."""

import io
import os
from pathlib import Path

from recordings.media import decoding


class Fatal(io.BytesIO):
    """Ends the process that reads it with a signal, once so much of it was asked for."""

    def __init__(self, content, number, after=0):
        super().__init__(content)
        self.number = number
        self.after = after

    def read(self, size=-1):
        if self.tell() >= self.after:
            for pid in children():
                os.kill(pid, self.number)
        return super().read(size)


def children():
    host = decoding.host.pid
    return [int(pid) for pid in Path(f"/proc/{host}/task/{host}/children").read_text().split()]
