"""
`python -m benchmarks.generator`: the process that sends a stream, made to cost next to nothing.

It listens on a plain and a TLS port, and takes one command a line:

    expect POSTS HOW   so many are for the next one who asks for the stream, and nobody else; HOW
                       is `recorded` before that, or `live`, made while they are sent
    send RATE          send them, at so many a second, 0 for flat out (recorded only)
    end TIMES          end the body; write when each post was sent into this file, - for none

Each line that it prints is a JSON object with an `event`: listening, ready, connected, sent,
ended, lost.
"""

import argparse
import json
import queue
import socket
import ssl
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.bodies import Body, Framing, Live, Recording
from benchmarks.framing import delimited
from benchmarks.posts import v1_posts, v2_posts
from benchmarks.rules import TOKEN, Rules
from benchmarks.sending import flat_out, paced

STREAMS = ("/1.1/statuses/filter.json", "/2/tweets/search/stream")


def tell(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


class Stage:
    """What all connections share; `commands` are for whoever has the stream."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rules = Rules(options.tag)
        self.framing = Framing(options.chunks, options.gzip)
        self._wanted = threading.Event()
        self._door = threading.Lock()
        self.commands: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self._options = options
        self._expected = (0, False)
        self._recordings: dict[tuple[int, bool], Recording] = {}

    def expect(self, posts: int, *, live: bool) -> None:
        """Prepare so many posts for the next one who asks for the stream."""
        self._expected = (posts, live)
        self.body_for("")
        self._wanted.set()

    def admits(self) -> bool:
        """Whether whoever asks for the stream now is the one who is expected."""
        with self._door:
            wanted = self._wanted.is_set()
            self._wanted.clear()
            return wanted

    def body_for(self, query: str) -> Body:
        """What whoever asks with this query gets."""
        posts, live = self._expected
        if live:
            return Live(self._written(posts), self.framing)
        key = (posts, "delimited=length" in query)
        if key not in self._recordings:
            written = self._written(posts)
            self._recordings[key] = Recording(
                delimited(written) if key[1] else written, self.framing
            )
        return self._recordings[key]

    def send_to(self, peer: socket.socket, body: Body) -> None:
        """Do as is commanded, until the end."""
        sent_at: array[float] = array("d")
        while (command := self.commands.get())[0] != "end":
            rate = float(command[1])
            began = time.monotonic()
            if rate:
                sent_at = paced(body, peer, rate)
            elif isinstance(body, Recording):
                flat_out(body, peer)
            tell("sent", began=began, seconds=time.monotonic() - began)
        if command[1] != "-":
            Path(command[1]).write_bytes(sent_at.tobytes())
        tell("ended")
        peer.sendall(body.rest)

    def _written(self, count: int) -> Iterator[bytes]:
        options = self._options
        return v1_posts(count) if options.api == "v1.1" else v2_posts(count, options.tag)


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


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", choices=("v1.1", "v2"), required=True)
    parser.add_argument("--chunks", choices=("tweet", "64k"), required=True)
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--pem", required=True, help="the certificate and its key")
    parser.add_argument("--tag", action="append", default=[], help="of a capture's rule, in order")
    return parser.parse_args()


def main() -> None:
    options = read_arguments()
    stage = Handler.stage = Stage(options)
    plain, secure = Server(), Server(options.pem)
    ports = {"plain": plain.server_port, "tls": secure.server_port}
    tell("listening", **ports)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "expect":
            stage.expect(int(words[1]), live=words[2] == "live")
            tell("ready")
        else:
            stage.commands.put(words)


if __name__ == "__main__":
    main()
