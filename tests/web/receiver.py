"""A real server on loopback, a help desk's or a model's, that keeps what it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What has come, as (headers, body); answers with `status` and `reply` after a delay."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.reply: bytes = b""
        self.delay = 0.0
        self.url = ""


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Open on a free port."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((dict(self.headers.items()), body))
            threading.Event().wait(received.delay)
            with suppress(ConnectionError):
                self._answer()

        def _answer(self) -> None:
            self.send_response(received.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(received.reply)))
            self.end_headers()
            self.wfile.write(received.reply)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    received.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
