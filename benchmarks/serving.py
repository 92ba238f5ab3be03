"""Twitter's addresses over HTTP, plain or with TLS, as far as consumers need them."""

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.rules import TOKEN
from benchmarks.stage import Stage, tell

STREAMS = ("/1.1/statuses/filter.json", "/2/tweets/search/stream")


class Handler(BaseHTTPRequestHandler):
    """Answers one request of whoever comes."""

    protocol_version = "HTTP/1.1"
    stage: Stage

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path in STREAMS:
            self._stream()
        else:
            self._answer(self.stage.rules.listed())

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if url.path in STREAMS:
            self._stream()
        elif url.path == "/oauth2/token":
            self._answer(TOKEN)
        else:
            dry_run = parse_qs(url.query).get("dry_run") == ["true"]
            self._answer(self.stage.rules.changed(json.loads(body), dry_run=dry_run))

    def _answer(self, fields: dict[str, Any]) -> None:
        body = json.dumps(fields).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.close_connection = True
        if not self.stage.admits():
            self.send_error(503)
            return
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        if self.stage.framing.gzip:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        body = self.stage.body_for(urlsplit(self.path).query)
        tell("connected")
        try:
            self.stage.send_to(self.connection, body)
        except OSError as e:
            tell("lost", reason=str(e))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what matters is told."""


class Server(ThreadingHTTPServer):
    """Listens on any free port of loopback, with TLS where there is a certificate."""

    daemon_threads = True

    def __init__(self, pem: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        if pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up in the middle has been told of, or did not matter."""
