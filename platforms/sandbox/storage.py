"""S3 and SQS on this machine: the buckets that providers fill, and the queue that tells of it. Played by moto.

Only what is asked for with the sandbox's own key is put into a bucket, as a provider could not do more.
"""

import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from platforms.sandbox.web.allowed_hosts import AllowedHosts
from platforms.sandbox.world.model import SandboxError

KEY_ID = KEY_SECRET = "sandbox"  # noqa: S105  (there is nothing to guard)
REGION = "us-east-1"
QUEUE = "sandbox-recordings"
NEAR = Config(connect_timeout=3, read_timeout=30, retries={"max_attempts": 1})


class QuietHandler(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  (werkzeug's own name)
        logging.getLogger("werkzeug").debug(message, *args)


class Storage:
    """Begins with empty buckets, and a queue that tells of new objects in those that are `queued`.

    What is played is one for all of a process.
    """

    def __init__(self, host: str, port: int, buckets: Iterable[str], queued: Iterable[str]) -> None:
        self._buckets, self._queued = list(buckets), list(queued)
        application = AllowedHosts(DomainDispatcherApplication(create_backend_app), host)
        self._server = make_server(host, port, application, threaded=True, request_handler=QuietHandler)
        self.url = f"http://{host}:{self._server.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox-storage", daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        requests.post(f"{self.url}/moto-api/reset", timeout=30).raise_for_status()
        self._make_buckets()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def client(self, service: str, key_id: str = KEY_ID, secret: str = KEY_SECRET) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=NEAR,
        )

    def has_bucket(self, name: str) -> bool:
        try:
            self.client("s3").head_bucket(Bucket=name)
        except ClientError:
            return False
        return True

    def put(self, bucket: str, key: str, file: Path, key_id: str = KEY_ID, secret: str = KEY_SECRET) -> None:
        """Raises SandboxError when there is no such bucket, or the credentials are not those of the sandbox."""
        if (key_id, secret) != (KEY_ID, KEY_SECRET):
            raise SandboxError(f"The bucket {bucket} cannot be written to with this key.")
        try:
            with file.open("rb") as body:
                self.client("s3", key_id, secret).put_object(Bucket=bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise SandboxError(f"The bucket {bucket} cannot be written to: {error}") from error

    def _make_buckets(self) -> None:
        s3, sqs = self.client("s3"), self.client("sqs")
        for bucket in self._buckets:
            s3.create_bucket(Bucket=bucket)
        url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        told: Any = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        for bucket in self._queued:
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
