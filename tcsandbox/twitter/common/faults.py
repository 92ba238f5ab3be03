"""
What every fault has, and those that strike the answer to a request.

A fault is a struct, read from JSON by its `kind`.  It knows what it does; when it strikes is
decided by the simulator.
"""

from abc import ABCMeta, abstractmethod
from typing import Annotated, ClassVar, Literal

import msgspec
from twisted.web.server import Request

from tcsandbox.twitter.common.answers import answer, refusal_body
from tcsandbox.twitter.common.stream import Stream

Where = Literal["stream", "rules", "token", "connections", "usage"]
Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


def kind_of(class_name: str) -> str:
    """Return the JSON name of a fault's class: `long-line` for `LongLine`."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in class_name).removeprefix("-")


class _StructABCMeta(msgspec.StructMeta, ABCMeta):
    """The metaclass of structs with abstract methods, which cannot be made while any is left."""


class SimulatorFault(
    msgspec.Struct,
    metaclass=_StructABCMeta,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag=kind_of,
):
    """A fault that can be asked for by a POST to /sandbox/fault."""

    @property
    def kind(self) -> str:
        """The fault's name in JSON."""
        return str(self.__struct_config__.tag)


class AnswerFault(SimulatorFault):
    """A fault that answers the next `times` requests to `where` before anything is checked."""

    times: Count = 1
    where: Where = "stream"

    @abstractmethod
    def answer(self, request: Request, now: float) -> int:
        """Answer `request`, made at the Unix time `now`, or not; return the status, 0 for none."""


class HttpStatusFault(AnswerFault, kw_only=True, tag="status"):
    """Refuses a request with `status`, `headers` and `body`, by default a body like Twitter's."""

    status: Annotated[int, msgspec.Meta(ge=201, le=599)]
    body: str | None = None
    headers: dict[str, str] = {}

    def answer(self, request: Request, now: float) -> int:
        body = refusal_body(self.status) if self.body is None else self.body.encode()
        answer(request, self.status, body, self.headers)
        return self.status


class Redirect(AnswerFault, kw_only=True):
    """Sends the client to another URL, `to`."""

    to: str
    status: Literal[301, 302, 303, 307, 308] = 302

    def answer(self, request: Request, now: float) -> int:
        answer(request, self.status, b"", {"Location": self.to})
        return self.status


class NoAnswer(AnswerFault):
    """Reads the request and never answers it."""

    def answer(self, request: Request, now: float) -> int:
        return 0


class Replay(AnswerFault, kw_only=True):
    """Puts `data` on the connection byte for byte, and closes it where `close` is true."""

    data: bytes
    close: bool = True

    def answer(self, request: Request, now: float) -> int:
        request.channel.write(self.data)
        if self.close:
            request.channel.loseConnection()
        status = self.data[9:12]
        return int(status) if status.isdigit() else 0


class StreamFault(SimulatorFault):
    """A fault that strikes the open streams or, with when="connect", the next `times` opened."""

    where: ClassVar[Where] = "stream"
    when: Literal["now", "connect"] = "now"
    times: Count = 1

    @abstractmethod
    def strike(self, stream: Stream) -> None:
        """Do to `stream` what this fault is about."""


class Clear(SimulatorFault):
    """Disarms all faults, answers 420 no longer, and lets stalled or trickling streams go on."""
