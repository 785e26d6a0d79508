"""A provider's bucket that tells a queue of what is put into it, and meetings that were recorded there."""

import json
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from meetings.models import Meeting
from tests.support import daily
from tests.support.stub_provider import Answer, StubProvider

BUCKET = "recordings-of-provider"
FOLDER = "cloud"
BEGAN = datetime(2026, 1, 2, 3, 4, 12, tzinfo=UTC)


def platforms(s3_bucket=f"{BUCKET}/{FOLDER}", api_url="http://127.0.0.1:1", **others):
    return {
        "whereby": {
            "BACKEND": "platforms.backends.whereby.WherebyClient",
            "OPTIONS": {
                "api_url": api_url,
                "api_key": "key",
                "webhook_secrets": ["secret"],
                "s3_bucket": s3_bucket,
                "aws_access_key_id": "testing",
                "aws_access_key_secret": "testing",
            },
        },
        **others,
    }


@contextmanager
def discovery(*items):
    """Whereby's list of what it keeps itself."""
    with StubProvider() as stub:
        stub.on("GET", "/recordings", Answer(200, {"results": list(items), "cursor": None}))
        yield stub


def daily_platform(url):
    return {
        "daily": {
            "BACKEND": "platforms.backends.daily.DailyClient",
            "OPTIONS": {"api_url": url, "api_key": "key", "webhook_secrets": [daily.SECRET]},
        }
    }


def room_name_of(n=0):
    return f"/team-{uuid.UUID(int=n)}"


def key_of(room_name, began=BEGAN, folder=FOLDER, ending="mp4"):
    return f"{folder}/{room_name.strip('/')}-{began:%Y-%m-%dT%H:%M:%SZ}.{ending}"


def held(room_name, platform="whereby", start_date=BEGAN - timedelta(minutes=1), **fields):
    """A meeting that has ended."""
    values = {
        "room_label": "standup",
        "state": Meeting.State.ENDED,
        "slot": "",
        "platform": platform,
        "platform_reason": "chosen",
        "provider_meeting_id": room_name.strip("/"),
        "room_name": room_name,
        "start_date": start_date,
        "end_date": start_date + timedelta(hours=1),
    }
    return Meeting.objects.create(**values | fields)


class ProviderBucket:
    """The bucket, and its queue with a place for dead letters."""

    def __init__(self, aws, received_at_most=10):
        self.s3, self.sqs, self.sns = aws.client("s3"), aws.client("sqs"), aws.client("sns")
        aws.bucket(BUCKET)
        self.dead_letters = self.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.arn(self.dead_letters), "maxReceiveCount": received_at_most}
        self.queue = self.sqs.create_queue(QueueName="recordings", Attributes={"RedrivePolicy": json.dumps(redrive)})[
            "QueueUrl"
        ]

    def arn(self, queue):
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return attributes["Attributes"]["QueueArn"]

    def tell_queue(self):
        """From now on; the queue gets a test event at once."""
        self._notify(QueueConfigurations=[{"QueueArn": self.arn(self.queue), "Events": ["s3:ObjectCreated:*"]}])

    def tell_topic(self):
        topic = self.sns.create_topic(Name="recordings")["TopicArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.arn(self.queue))
        self._notify(TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}])

    def put(self, key, content=b"x"):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def send(self, message):
        body = message if isinstance(message, str) else json.dumps(message)
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    def waiting(self, queue=None):
        """How many messages are there, seen by somebody or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=queue or self.queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def is_visible(self, queue):
        return bool(self.sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0).get("Messages"))

    def _notify(self, **configuration):
        self.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)


def s3_event(key, bucket=BUCKET, name="ObjectCreated:CompleteMultipartUpload"):
    """One record, as S3 sends it: without many members here, all of which real ones have."""
    return {"eventVersion": "2.1", "eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}


class DailyRecordings:
    """What the provider lists: newest first, page by page, refused when asked for too often."""

    def __init__(self, stub, count=0, began=BEGAN):
        self.items = [recording(n, began) for n in range(count)]
        self.asked_at = []
        stub.on("GET", "/recordings", self.list)

    def list(self, request):
        self.asked_at.append(time.monotonic())
        chosen = sorted(self.items, key=lambda item: -item["start_ts"])
        if "room_name" in request.query:
            chosen = [item for item in chosen if item["room_name"] == request.query["room_name"][0]]
        if "starting_after" in request.query:
            ids = [item["id"] for item in chosen]
            chosen = chosen[ids.index(request.query["starting_after"][0]) + 1 :]
        limit = int(request.query["limit"][0])
        return Answer(200, {"total_count": len(self.items), "data": chosen[:limit]})

    @property
    def gaps(self):
        return [later - earlier for earlier, later in zip(self.asked_at, self.asked_at[1:], strict=False)]


def recording(n, began=BEGAN, **changes):
    start = int(began.timestamp()) - 60 * n
    room_name = f"standup-{n}"
    return {
        "id": str(uuid.UUID(int=n)),
        "room_name": room_name,
        "start_ts": start,
        "status": "finished",
        "max_participants": 2,
        "duration": 50,
        "share_token": "x",
        "s3key": f"acme/{room_name}/{start}123",
        "mtgSessionId": None,
        "tracks": [],
        **changes,
    }
