"""The sandbox as a process: `python -m platforms.sandbox --port 9100`. It needs nothing of the product."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading

OUT = sys.stdout.write


def main() -> int:
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        return _run(options)
    except ModuleNotFoundError as error:
        return _complain(f"{error.name} is not installed: pip install -r requirements-dev.lock")


def _run(options: argparse.Namespace) -> int:
    import moto  # noqa: F401  (said to be missing before anything begins)

    from platforms.sandbox.server import running_sandbox

    for port in (options.port, options.storage_port):
        if problem := _why_not(options.host, port):
            return _complain(f"Port {port} {problem}: choose another with --port or --storage-port.")
    secret = os.environ.get("SANDBOX_WEBHOOK_SECRET", "")
    if options.product and not _is_base64(secret):
        return _complain("SANDBOX_WEBHOOK_SECRET must be base64: webhooks to the product could not be signed.")
    stopped = _signals()
    with running_sandbox(
        options.product, secret, host=options.host, port=options.port, storage_port=options.storage_port
    ) as sandbox:
        apis = [f"  {provider.label:<9} {sandbox.url}{provider.api_path}\n" for provider in sandbox.providers.values()]
        OUT(
            f"Sandbox on {sandbox.url}   (Ctrl-C stops it; all that it knows is then gone)\n"
            f"  Controls  {sandbox.url}/controls\n"
            f"  Key       {sandbox.api_key}\n"
            f"{''.join(apis)}"
            f"  S3, SQS   {sandbox.storage_url}\n"
        )
        sys.stdout.flush()
        stopped.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m platforms.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=9100, help="0 for any that is free")
    parser.add_argument("--storage-port", type=int, default=9101, help="of S3 and SQS; 0 for any that is free")
    parser.add_argument("--product", default="", help="where webhooks go, as http://127.0.0.1:8000")
    return parser


def _why_not(host: str, port: int) -> str:
    """What keeps the port from being used; "" for nothing."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"cannot be used ({error.strerror})"
    return ""


def _is_base64(secret: str) -> bool:
    from platforms import signing

    try:
        return bool(signing.decode_secret(secret))
    except ValueError:
        return False


def _signals() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _complain(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
