"""A service behind an address that can be cut off or fall silent, as machines and networks do."""

import contextlib
import socket
import threading


class TcpProxy:
    """Forwards to `host:port`; `cut` refuses and drops, `hang` takes connections and lets nothing through."""

    def __init__(self, host, port):
        self._service = (host, port)
        self._flowing = threading.Event()
        self._sockets = []
        self._lock = threading.Lock()
        self.port = 0
        self.restore()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.cut()
        self._flowing.set()

    def cut(self):
        with self._lock:
            for open_socket in [self._listener, *self._sockets]:
                with contextlib.suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)
                open_socket.close()
            self._sockets.clear()

    def hang(self):
        self._flowing.clear()

    def restore(self):
        """Let through again, also what waited while this hung."""
        if not self._flowing.is_set():
            self._flowing.set()
        if not self.port or self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                service = socket.create_connection(self._service)
            except OSError:
                return
            with self._lock:
                self._sockets += [client, service]
            for source, target in [(client, service), (service, client)]:
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
