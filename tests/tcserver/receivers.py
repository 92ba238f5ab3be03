"""Who receives alerts in tests, on real sockets of loopback: a mail server, and a webhook."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class MailReceiver:
    """Keeps what it takes; `refuses` is what it says of each receiver, if anything."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.receivers: list[list[str]] = []
        self.refuses = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, _: Any) -> str:
        """Take a receiver, or refuse."""
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.receivers.append(envelope.rcpt_tos)
        return "250 OK"


def login(server: Any, session: Any, envelope: Any, how: str, data: Any) -> AuthResult:
    """Let ann in by her password."""
    return AuthResult(success=data == LoginPassword(b"ann", b"p w"), handled=False)


@contextmanager
def mail_server(receiver: MailReceiver, **options: Any) -> Iterator[int]:
    """Run a mail server; gives its port."""
    controller = Controller(receiver, hostname="127.0.0.1", port=free_port(), **options)
    said = logging.getLogger("mail.log")
    before, said.level = said.level, logging.CRITICAL
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
        said.level = before


class Hook(BaseHTTPRequestHandler):
    """Notes requests in its server's list, and answers with the next of its statuses."""

    server: "HookServer"

    def do_POST(self) -> None:
        """Take a request."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.server.arrived.set()
        self.server.held.wait(60)
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(self.server.says)))
        self.end_headers()
        self.wfile.write(self.server.says)

    do_GET = do_POST

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class HookServer(ThreadingHTTPServer):
    """Receives webhooks; no answer goes out while it is `held`, which it is not at first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses = [204]
        self.says = b""
        self.arrived, self.held = threading.Event(), threading.Event()
        self.held.set()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"


@contextmanager
def hook_server() -> Iterator[HookServer]:
    """Run a receiver of webhooks."""
    with HookServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.held.set()
            server.shutdown()
            thread.join()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port: int = found.getsockname()[1]
    return port
