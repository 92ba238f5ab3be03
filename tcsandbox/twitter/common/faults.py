"""
What every fault has, and those that strike the answer to a connect.

A fault is a struct, read from JSON by its `kind`.  It knows what it does; when it strikes is the
simulator's business.
"""

from abc import ABCMeta, abstractmethod
from typing import Annotated, Literal

import msgspec
from twisted.web.server import Request

from tcsandbox.twitter.common.answers import answer, answer_raw, refusal_body
from tcsandbox.twitter.common.stream import Stream

Where = Literal["stream", "rules", "token"]
Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


def kind_of(class_name: str) -> str:
    """LongLine -> long-line."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in class_name).removeprefix("-")


class _StructABCMeta(msgspec.StructMeta, ABCMeta):
    """Of structs that cannot be made before they say what they do."""


class SimulatorFault(
    msgspec.Struct,
    metaclass=_StructABCMeta,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag=kind_of,
):
    """Anything that can be asked for under /sandbox/fault."""

    @property
    def kind(self) -> str:
        """Its name in JSON."""
        return str(self.__struct_config__.tag)


class AnswerFault(SimulatorFault):
    """
    Strikes the next `times` requests instead of any check: connects, or v2's requests to the
    rules or the token endpoint.
    """

    times: Count = 1
    where: Where = "stream"

    @abstractmethod
    def answer(self, request: Request, now: float) -> int:
        """Answer `request`, made at the Unix time `now`, or not; give the status, 0 for none."""


class HttpStatusFault(AnswerFault, kw_only=True, tag="status"):
    """ConnectRefused with `status`; `body` is sent as it stands, by default one like Twitter's."""

    status: Annotated[int, msgspec.Meta(ge=201, le=599)]
    body: str | None = None
    headers: dict[str, str] = {}

    def answer(self, request: Request, now: float) -> int:
        body = refusal_body(self.status) if self.body is None else self.body.encode()
        answer(request, self.status, body, self.headers)
        return self.status


class Redirect(AnswerFault, kw_only=True):
    """Sent elsewhere."""

    to: str
    status: Literal[301, 302, 303, 307, 308] = 302

    def answer(self, request: Request, now: float) -> int:
        answer(request, self.status, b"", {"Location": self.to})
        return self.status


class NoAnswer(AnswerFault):
    """The request is read and never answered."""

    def answer(self, request: Request, now: float) -> int:
        return 0


class Replay(AnswerFault, kw_only=True):
    """The connection gets `data` byte for byte, status line and all; then it may be closed."""

    data: bytes
    close: bool = True

    def answer(self, request: Request, now: float) -> int:
        answer_raw(request, self.data, self.close)
        status = self.data[9:12]
        return int(status) if status.isdigit() else 0


class StreamFault(SimulatorFault):
    """Strikes the open streams now or, with when="connect", the next `times` streams opened."""

    when: Literal["now", "connect"] = "now"
    times: Count = 1

    @abstractmethod
    def strike(self, stream: Stream) -> None:
        """Do it to `stream`."""


class Clear(SimulatorFault):
    """No fault is armed any more, no 420 is due, and streams that stalled or trickled go on."""
