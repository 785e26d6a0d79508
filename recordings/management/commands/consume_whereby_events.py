import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from platforms.exceptions import PlatformNotConfigured
from platforms.payloads import moment
from recordings.intake import discovery, sqs

BODY_SHOWN = 300  # characters


class Command(BaseCommand):
    help = "Take messages that say a recording was put into a bucket, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when the queue is empty")
        parser.add_argument(
            "--wait", type=int, default=sqs.LONG_WAIT_SECONDS, help="seconds that one call waits for a message"
        )
        parser.add_argument(
            "--dead-letters", action="store_true", help="show what could not be processed; take nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["wait"] <= sqs.LONG_WAIT_SECONDS:
            raise CommandError(f"--wait must be from 0 to {sqs.LONG_WAIT_SECONDS} seconds.")
        try:
            queue = sqs.Queue()
            if options["dead_letters"]:
                self.show_dead_letters(queue)
            elif options["once"]:
                self.stdout.write(f"Queue emptied: {sqs.drain(queue, options['wait'])}")
            else:
                self.consume(sqs.Consumer(queue, options["wait"]))
        except (PlatformNotConfigured, *sqs.AWAY) as error:
            raise CommandError(discovery.error_summary(error)) from error

    def consume(self, consumer: sqs.Consumer) -> None:
        """A signal ends a wait at once; messages that were received are dealt with first."""

        def stop(*args: Any) -> None:
            consumer.stopping.set()
            if consumer.is_waiting:
                raise KeyboardInterrupt

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        self.stdout.write("Waiting for messages.")
        self.stdout.flush()
        try:
            consumer.run()
        except KeyboardInterrupt:
            consumer.stopping.set()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self.stdout.write(f"Stopped: {consumer.total}")

    def show_dead_letters(self, queue: sqs.Queue) -> None:
        url = queue.dead_letters_url()
        if not url:
            raise CommandError("The queue has no dead letter queue: set a RedrivePolicy on it.")
        letters = list(queue.dead_letters(url))
        for message in letters:
            sent = moment(message.get("Attributes", {}).get("SentTimestamp"))
            self.stdout.write(f"{message['MessageId']}  {sent or 'at an unknown time'}")
            self.stdout.write(f"    {' '.join(message.get('Body', '').split())[:BODY_SHOWN]}")
        self.stdout.write(f"{len(letters)} dead letters; at most {sqs.LETTERS_SHOWN} are shown.")
