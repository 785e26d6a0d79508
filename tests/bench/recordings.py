"""How fast recordings are fetched, and how much memory that takes, beside curl and `aws s3 cp` in the same run.

The file is an MP4 with two seconds of sound and, in a box that players skip, gigabytes of noise: so it passes the whole
of an ingest. Memory is that of a whole ingest by a worker that has ingested before; speed is that of the fetching.
Both sides end when the file is on the disk (fsync), and take turns. Run with --gigabytes 5 for the figure of the issue.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import django

from tests.support import media
from tests.support.aws import CREDENTIALS, REGION, running_aws

MEGABYTE = 1024 * 1024
GROWTH = 64  # megabytes
SPEED = 0.8  # of the other's
BUCKET = "recordings"
S3_MEGABYTES = 512


def main(gigabytes=1.0, rounds=3):
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        folder = Path(folder)
        source = make_file(folder / "source.mp4", round(gigabytes * 1024) * MEGABYTE)
        with file_server(source) as url:
            memory("a folder", gigabytes, folder, {"url": url})
            disk(folder, url, rounds)
        source.unlink()
        source = make_file(folder / "source.mp4", S3_MEGABYTES * MEGABYTE)
        with file_server(source) as url:
            s3(folder, source, url, rounds)


# What is measured


def memory(where, gigabytes, folder, what):
    growth, seconds = in_worker(ingest_worker, folder, what)
    print(
        f"ingest of {gigabytes:g} GB into {where}: the worker grew by {growth:.0f} MB (target <= {GROWTH}), "
        f"{gigabytes * 1024 / seconds:.0f} MB/s with fetching, checking and the database"
    )


def disk(folder, url, rounds):
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(timed(lambda: curl(url, folder / "curl")))
        (folder / "curl").unlink()
        ours.append(in_worker(fetch_worker, folder, {"url": url}))
    tell("fetch into a folder / curl", ours, theirs)


def s3(folder, source, url, rounds):
    """Against moto, which is what both wait for; what `aws` needs to start is taken off its time."""
    with running_aws() as aws:
        aws.bucket(BUCKET)
        aws.client("s3").upload_file(str(source), BUCKET, "source")
        aws.client("s3").put_object(Bucket=BUCKET, Key="small", Body=b"x")
        start = min(timed(lambda: cp(aws, f"s3://{BUCKET}/small", folder / "small")) for _ in range(3))
        ours, theirs, up, cp_up = [], [], [], []
        for _ in range(rounds):
            theirs.append(timed(lambda: cp(aws, f"s3://{BUCKET}/source", folder / "cp")) - start)
            ours.append(in_worker(fetch_worker, folder, {"endpoint": aws.url, "key": "source"}))
            cp_up.append(timed(lambda: cp(aws, source, f"s3://{BUCKET}/cp")) - start)
            up.append(in_worker(fetch_worker, folder, {"endpoint": aws.url, "url": url}))
        memory("S3", S3_MEGABYTES / 1024, folder, {"endpoint": aws.url, "url": url})
        tell("fetch from S3 into a folder / aws s3 cp", ours, theirs)
        tell("fetch from a server into S3 / aws s3 cp from a file", up, cp_up)


def tell(what, ours, theirs):
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"{what}: speed {ratio:.2f} (target >= {SPEED}); {shown(ours)} / {shown(theirs)}")


def shown(times):
    return ", ".join(f"{seconds:.1f} s" for seconds in times)


def timed(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def curl(url, target):
    subprocess.run(["curl", "--silent", "--fail", "--output", target, url], check=True)
    sync(target)


def cp(aws, source, target):
    environment = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": aws.url, "AWS_REGION": REGION}
    subprocess.run(["aws", "s3", "cp", "--quiet", str(source), str(target)], env=environment, check=True)
    if isinstance(target, Path):
        sync(target)


def sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


# Workers: processes of their own


def in_worker(job, folder, argument):
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=job, args=(theirs, folder, argument))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join()
        shutil.rmtree(folder / "data", ignore_errors=True)


def set_up(folder, url="", endpoint=""):
    data = folder / "data"
    data.mkdir(exist_ok=True)
    variables = {"OUTBOUND_ALLOWED_HOSTS": ",".join(address.split("/")[2] for address in (url, endpoint) if address)}
    if endpoint:
        variables |= {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}
    if endpoint and url:
        variables |= {"RECORDINGS_STORAGE_BUCKET": BUCKET, "RECORDINGS_STORAGE_REGION": REGION}
    os.environ |= {"ENV_FILE": "", "DEBUG": "true", "LOG_LEVEL": "ERROR", "DATA_DIR": str(data), **variables}
    os.environ |= {"DATABASE_URL": f"sqlite:///{data / 'bench.sqlite3'}", "DJANGO_SETTINGS_MODULE": "config.settings"}
    django.setup()


def ingest_worker(pipe, folder, what):
    """Megabytes by which this process grew during an ingest, at the most, and the seconds that it took."""
    set_up(folder, **what)
    url = what["url"]
    from django.core.management import call_command

    from recordings.models import Ingest, Recording

    call_command("migrate", verbosity=0)

    def ingest(link):
        recording = Recording.objects.create(provider_recording_id=link, source_url=link)
        job = Ingest.objects.create(recording=recording)
        Ingest.run(job.pk)
        recording.refresh_from_db()
        assert recording.state == Recording.State.STORED, recording.error

    ingest(url.replace("/whole", "/head"))
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from now on
    seconds = timed(lambda: ingest(url))
    pipe.send((status("VmHWM") - before, seconds))


def status(name):
    """Megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(name)


def fetch_worker(pipe, folder, what):
    """The seconds that it takes to fetch from a `url` or a `key` of a bucket, into a folder or a bucket."""
    key = what.get("key", "")
    set_up(folder, what.get("url", ""), what.get("endpoint", ""))
    from platforms.types import RecordingStore
    from recordings.fetching.download import ObjectSource, UrlSource, fetch
    from tests.drills.faults import Hold

    source = ObjectSource(RecordingStore(BUCKET), BUCKET, key) if key else UrlSource(lambda: what["url"])
    pipe.send(timed(lambda: fetch(source, "bench/recording", Hold(), anew=True)))


# The file, and who serves it


def make_file(path, size):
    content = media.with_audio_and_video()
    noise = random.Random(1).randbytes(MEGABYTE)
    with path.open("wb") as file:
        file.write(content + struct.pack(">I4sQ", 1, b"free", size + 16))
        for _ in range(size // MEGABYTE):
            file.write(noise)
        file.flush()
        os.fsync(file.fileno())
    return path


@contextmanager
def file_server(path):
    """In a process of its own, and as fast as a machine sends a file: the whole at /whole, its first part at /head."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, path), daemon=True)
    process.start()
    theirs.close()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/whole"
    finally:
        process.terminate()
        process.join()


def serve(pipe, path):
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=send_file, args=(connection, path), daemon=True).start()


def send_file(connection, path):
    with connection, path.open("rb") as file:
        request = connection.recv(65536).decode()
        length = path.stat().st_size if request.startswith("GET /whole ") else MEGABYTE
        connection.sendall(f'HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: "1"\r\n\r\n'.encode())
        connection.sendfile(file, 0, length)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    main(options.gigabytes, options.rounds)
