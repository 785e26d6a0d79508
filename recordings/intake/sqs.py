"""Hearing from a queue that a recording was put into a bucket.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference: messages come at least once and in any order.
One is deleted when what it says is in the database; one that cannot be read or reported is left, and the queue's own
redrive policy puts it among its dead letters in the end.
"""

import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import Error, close_old_connections, connection

from platforms.exceptions import PlatformError, PlatformNotConfigured
from platforms.health import notices
from platforms.pauses import shortened
from platforms.payloads import load, text
from platforms.work.database import is_away
from recordings.intake import register
from recordings.intake.bucket_events import Unreadable, new_objects
from recordings.storage import buckets

logger = logging.getLogger(__name__)

MESSAGES = 10  # in one call, the most there are
LONG_WAIT_SECONDS = 20  # the longest there is
VISIBILITY_TIMEOUT_SECONDS = 60  # until a message that was not deleted comes again
PEEK_TIMEOUT_SECONDS = 5  # the same for a dead letter that is shown
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds, after a failure
LETTERS_SHOWN = 100

# What makes a whole call useless: the queue or the database is away for now.
AWAY = (BotoCoreError, ClientError, Error)
Message = dict[str, Any]


@dataclass
class Tally:
    """What became of messages; `kept` ones were left in the queue."""

    received: int = 0
    recordings: int = 0
    ignored: int = 0
    kept: int = 0
    undeleted: int = 0

    def __str__(self) -> str:
        return (
            f"received={self.received} recordings={self.recordings} ignored={self.ignored} kept={self.kept} "
            f"undeleted={self.undeleted}"
        )

    def __iadd__(self, other: "Tally") -> "Tally":
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)
        return self


class Queue:
    """The queue of AWS_PROCESS_RECORDING_QUEUE_URL. Raises PlatformNotConfigured where nothing could come of it."""

    def __init__(self) -> None:
        self.url = settings.AWS_PROCESS_RECORDING_QUEUE_URL
        if not self.url:
            raise PlatformNotConfigured("AWS_PROCESS_RECORDING_QUEUE_URL is not set.")
        self.clients = buckets.clients()
        # A message about another bucket is thrown away, so it must be known which are ours.
        found = [store for _, store in buckets.stores(self.clients)]
        if not found:
            raise PlatformNotConfigured(
                "AWS_PROCESS_RECORDING_QUEUE_URL is set, but no platform has a bucket for recordings."
            )
        # A bucket elsewhere than at Amazon has a key that is good there only.
        with_key = (store for store in found if store.access_key_id and self.url.startswith(store.endpoint_url))
        self.sqs = buckets.aws_client("sqs", next(with_key, None))

    def receive(self, wait: int) -> list[Message]:
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=MESSAGES,
            WaitTimeSeconds=wait,
            VisibilityTimeout=_seconds(VISIBILITY_TIMEOUT_SECONDS),
        )
        return list(answer.get("Messages", []))

    def process(self, messages: Sequence[Message]) -> Tally:
        """Report what they say, then delete those that were dealt with."""
        tally = Tally(received=len(messages))
        done: list[Message] = []
        try:
            for message in messages:
                self._deal_with(message, tally, done)
        finally:
            self._delete(done, tally)
        return tally

    def _deal_with(self, message: Message, tally: Tally, done: list[Message]) -> None:
        try:
            found = self._register(str(message.get("Body", "")))
        except (Unreadable, PlatformError, Error, ValueError) as error:
            if is_away(error):
                raise
            # The text of a database error may hold what the message says.
            logger.warning("message_kept id=%s error=%s", message.get("MessageId"), type(error).__name__)
            tally.kept += 1
        else:
            tally.recordings += found
            tally.ignored += not found
            done.append(message)

    def _register(self, body: str) -> int:
        """How many recordings a message tells of, all of them in the database on return."""
        known = 0
        for new in new_objects(body):
            if ref := buckets.recording_at(new.bucket, new.key, self.clients):
                register.register_recording(replace(ref, version=new.version))
                known += 1
        return known

    def _delete(self, messages: Sequence[Message], tally: Tally) -> None:
        if not messages:
            return
        entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
        failed = self.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries).get("Failed", [])
        tally.undeleted += len(failed)
        for entry in failed:  # they come again, and change nothing then
            logger.warning("message_not_deleted code=%s", entry.get("Code"))

    # Dead letters

    def dead_letters_url(self) -> str:
        """Where messages go that were received too often; "" when the queue has no such place."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
        policy = load(answer.get("Attributes", {}).get("RedrivePolicy", "").encode())
        *_, account, name = ["", "", *text(policy, "deadLetterTargetArn").split(":")]
        if not name:
            return ""
        return str(self.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])

    def dead_letters(self, url: str) -> Iterator[Message]:
        """Some of the messages there, each once; they stay, and are hidden from others for a moment."""
        seen: set[str] = set()
        while len(seen) < LETTERS_SHOWN:
            answer = self.sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MESSAGES,
                VisibilityTimeout=_seconds(PEEK_TIMEOUT_SECONDS),
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            fresh = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
            if not fresh:
                return
            seen |= {message["MessageId"] for message in fresh}
            yield from fresh

    def count_dead_letters(self) -> int:
        url = self.dead_letters_url()
        if not url:
            return 0
        wanted = ["ApproximateNumberOfMessages"]
        return int(self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"][wanted[0]])


def drain(queue: Queue, wait: int, seconds: float = math.inf) -> Tally:
    """Take what is in the queue, until a call brings nothing or the time is over. Raises what is in AWAY."""
    total, deadline = Tally(), time.monotonic() + seconds
    while messages := queue.receive(wait):
        total += queue.process(messages)
        if time.monotonic() >= deadline:
            break
    return total


class Consumer:
    """Takes messages as they come, until it is told to stop, whatever goes wrong meanwhile."""

    def __init__(self, queue: Queue, wait: int = LONG_WAIT_SECONDS) -> None:
        self.queue = queue
        self.wait = wait  # seconds for a message
        self.total = Tally()
        self.stopping = threading.Event()
        self.is_waiting = False  # nothing is under way that an interruption could break

    def run(self) -> Tally:
        pause = FIRST_PAUSE
        while not self.stopping.is_set():
            try:
                self._take_some()
                pause = FIRST_PAUSE
            except AWAY as error:
                logger.warning("queue_or_database_away error=%s pause=%s", type(error).__name__, pause)
                self._rest(shortened(pause))
                pause = min(2 * pause, LONGEST_PAUSE)
        return self.total

    def _take_some(self) -> None:
        # While the database is away nothing is received: a message is received a few times only.
        close_old_connections()
        connection.ensure_connection()
        self.is_waiting = True
        messages = self.queue.receive(self.wait)
        self.is_waiting = False
        if messages:
            tally = self.queue.process(messages)
            self.total += tally
            logger.info("queue_processed %s", tally)

    def _rest(self, seconds: float) -> None:
        self.is_waiting = True
        self.stopping.wait(seconds)
        self.is_waiting = False


def _seconds(hidden: float) -> int:
    """SQS counts in whole ones."""
    return max(1, round(shortened(hidden)))


def check_dead_letters() -> None:
    """Tell staff of messages that nobody could make anything of."""
    queue = Queue()
    key = "recording queue"
    if count := queue.count_dead_letters():
        notices.report(key, f"{count} messages about recordings could not be processed; see the dead letter queue.")
    else:
        notices.resolve(key)
