"""A provider's side of the wire: webhooks at a rate, and each is sent again until it is taken."""

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

ANSWER_SECONDS = 15  # that an answer may take
PAUSE_SECONDS = 1.0  # before what was not taken is sent again
GIVEN_UP_SECONDS = 300.0  # after which it is not sent again
CONNECTIONS = 64


@dataclass
class Sent:
    """What came of it. `took` are the seconds of each answer from when it was due, `late` those of what was put off."""

    taken: int = 0
    refused: int = 0
    took: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    put_off: Counter[str] = field(default_factory=Counter)

    def percentile(self, share):
        took = sorted(self.took)
        return took[min(len(took) - 1, int(len(took) * share))] if took else 0.0


class Sender:
    """Sends in a thread of its own, by turns to each port, at so many a second."""

    def __init__(self, ports, secrets, deliveries, rate):
        self.sent = Sent()
        self.is_over = threading.Event()
        self._ports = ports
        self._secrets = secrets
        self._deliveries = deliveries
        self._rate = rate
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send_all()), name="sender")
        self._error = None

    def start(self):
        self._thread.start()

    def stop(self):
        """Send no more that are new."""
        self.is_over.set()

    def join(self):
        """Wait until all is taken, or given up."""
        self._thread.join()

    def is_alive(self):
        return self._thread.is_alive()

    async def _send_all(self):
        self._channels = [asyncio.Queue() for _ in self._ports]
        for queue in self._channels:
            for _ in range(CONNECTIONS // len(self._ports)):
                queue.put_nowait(None)
        began, tasks = time.monotonic(), set()
        for number, delivery in enumerate(self._deliveries):
            due = began + number / self._rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self.is_over.is_set():
                break
            task = asyncio.create_task(self._deliver(delivery, number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        for queue in self._channels:
            while not queue.empty():
                if channel := queue.get_nowait():
                    channel[1].close()

    async def _deliver(self, delivery, number, due):
        first = True
        while True:
            outcome = await self._try(delivery, number % len(self._ports))
            if outcome == "200":
                self.sent.taken += 1
                (self.sent.took if first else self.sent.late).append(time.monotonic() - due)
                return
            if outcome.startswith("4") or time.monotonic() - due > GIVEN_UP_SECONDS:
                self.sent.refused += 1
                self.sent.put_off[f"for good: {outcome}"] += 1
                return
            self.sent.put_off[outcome] += 1
            first, number = False, number + 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _try(self, delivery, place):
        """A status, or in a word why there is none."""
        queue, port = self._channels[place], self._ports[place]
        channel = await queue.get()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if channel is None or channel[0].at_eof() or channel[1].is_closing():
                    channel = await asyncio.open_connection("127.0.0.1", port)
                reader, writer = channel
                writer.write(self._request(delivery))
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                if b"connection: close" in head.lower():
                    writer.close()
                return head[9:12].decode()
        except ConnectionRefusedError:
            channel = self._closed(channel)
            return "nobody there"
        except (OSError, EOFError):
            channel = self._closed(channel)
            return "cut off"
        except TimeoutError:
            channel = self._closed(channel)
            return "no answer"
        finally:
            queue.put_nowait(channel)

    def _closed(self, channel):
        if channel:
            channel[1].close()

    def _request(self, delivery):
        headers = delivery.headers(self._secrets[delivery.platform])
        lines = [
            f"POST {delivery.path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Content-Length: {len(delivery.body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + delivery.body
