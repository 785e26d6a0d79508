"""What stands in front of the product as deploy/Caddyfile says: it sends each connection where its path leads."""

import contextlib
import re
import socket
import threading


class PathProxy:
    """Forwards what matches `paths` to the port `live`, everything else to the port `web`; one request a connection."""

    def __init__(self, paths, live, web):
        self._paths, self._live, self._web = re.compile(paths), live, web
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            head, body = self._head(client)
            path = head.split(b" ", 2)[1].decode() if head else ""
            port = self._live if self._paths.match(path) else self._web
            with socket.create_connection(("127.0.0.1", port)) as service:
                service.sendall(head.replace(b"Connection: keep-alive", b"Connection: close") + body)
                threading.Thread(target=pump, args=(client, service), daemon=True).start()
                pump(service, client)

    def _head(self, client):
        found = b""
        while b"\r\n\r\n" not in found and (data := client.recv(65536)):
            found += data
        head, end, body = found.partition(b"\r\n\r\n")
        return head + end, body


def pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
