"""
What a client and its server say on the real-time channel, one JSON object a text frame.  Pure.

Both ends share these types, as they do those of REST, of which each message of a client is a twin.
Members and types that a reader does not know are passed over.
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Annotated, Any, TypeAlias, get_args

import msgspec
from msgspec import structs

from tcclient.control.reports import Glimpses, Held, Host, Name, Natural, State
from tcclient.runtime.schemas import schemas

PROTOCOL = 1
SUBPROTOCOL = "tcc.1"
"""What both ends say in Sec-WebSocket-Protocol; its number is PROTOCOL."""
MOST_OF_A_CLIENT, MOST_OF_A_SERVER = 64 << 10, 16 << 10
"""Bytes of a message from either end."""
MOST_CAPTURES, MOST_LEDGERS = 1000, 50
"""Captures and ledgers that a hello names; of other ledgers an empty piece asks what is held."""
UNACKNOWLEDGED = 64 << 10
"""Bytes of ledgers that are under way and not yet held."""
PIECE = 32 << 10
"""Bytes of a ledger in one message at most: as they are written there, it has less than 64 KiB."""
BEAT, SILENCE = 20.0, 50.0
"""Seconds between two pings or beats, and after which a client that hears no beat hangs up."""

RESTART, REFUSED, TAKEN_OVER, IN_USE, WRONG_PROTOCOL, TOO_MUCH = 1012, 4001, 4002, 4003, 4004, 4008
"""
Why a server closes: it restarts or the socket has its age; the token is refused or revoked; another
socket of the same installation; another installation has this token; no message of this protocol;
more or faster than is taken.  Whoever meets 1006 or 1011 takes it for 1012.
"""


class HeldCapture(msgspec.Struct, frozen=True):
    """A capture that a client goes by, and the newest `revision` of it that it has applied."""

    job: Natural
    revision: Natural | None = None


class KeptLedger(msgspec.Struct, frozen=True):
    """A ledger that a client has, with its `length` in bytes over its whole life."""

    ledger: Name
    length: Natural
    job: Natural | None = None


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="type"):
    """A client's first message: who it is, and what it has."""

    protocol: int
    installation: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    instance: Name = ""
    version: Name = ""
    host: Annotated[str, msgspec.Meta(max_length=255)] = ""
    captures: Annotated[tuple[HeldCapture, ...], msgspec.Meta(max_length=MOST_CAPTURES)] = ()
    ledgers: Annotated[tuple[KeptLedger, ...], msgspec.Meta(max_length=MOST_LEDGERS)] = ()


class StateMessage(State, frozen=True, kw_only=True, tag="state", tag_field="type"):
    """How one capture is doing; `n` counts the state and host messages of a connection, from 1."""

    n: Natural


class HostMessage(Host, frozen=True, kw_only=True, tag="host", tag_field="type"):
    """How the client's machine is doing; `n` as in a state."""

    n: Natural


class GlimpsesMessage(Glimpses, frozen=True, tag="glimpses", tag_field="type"):
    """The newest posts of a capture, while somebody looks at them."""


class LedgerMessage(msgspec.Struct, frozen=True, tag="ledger", tag_field="type"):
    """
    Bytes of a ledger from `offset` on, in Base64; lines may come in pieces.  Each is answered by a
    held; one without bytes asks for nothing else.
    """

    ledger: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$(?!\\n)")]
    offset: Natural
    data: bytes
    job: Natural | None = None


class Welcome(msgspec.Struct, frozen=True, tag="welcome", tag_field="type"):
    """
    The answer to a hello: the `session`, that states may come `every` so many seconds, over how
    many seconds a reconnect is to be `spread`, the id of the server as REST has it, and what is
    held of the ledgers that were named.
    """

    protocol: int
    session: str
    every: float
    spread: float
    server: str
    ledgers: tuple[Held, ...] = ()


class ChangedMessage(msgspec.Struct, frozen=True, tag="changed", tag_field="type"):
    """A hint that people want something else of a capture: ask by REST now."""

    job: Natural
    revision: Natural


class LookMessage(msgspec.Struct, frozen=True, tag="look", tag_field="type"):
    """A hint that somebody looks at the posts of a capture, for LOOKING seconds from now on."""

    job: Natural


class HeldMessage(msgspec.Struct, frozen=True, omit_defaults=True, tag="held", tag_field="type"):
    """
    How many bytes of a ledger are stored, from its first on: `offset`.  A piece that begins behind
    that was not.  Where `refused` has a sentence, nothing of this ledger is taken.
    """

    ledger: str
    offset: Natural
    refused: str = ""


class AgainMessage(msgspec.Struct, frozen=True, tag="again", tag_field="type"):
    """A number `n` is missing: send all states and the host again."""


class Beat(msgspec.Struct, frozen=True, tag="beat", tag_field="type"):
    """The server's sign of life, which comes the way that hints come."""


class Bye(msgspec.Struct, frozen=True, tag="bye", tag_field="type"):
    """The server is about to close, for a `reason`; come again after so many seconds."""

    reason: str
    retry_after: float


ClientMessage: TypeAlias = Hello | StateMessage | HostMessage | LedgerMessage | GlimpsesMessage
ServerMessage: TypeAlias = (
    Welcome | ChangedMessage | LookMessage | HeldMessage | AgainMessage | Beat | Bye
)


class NoMessage(ValueError):
    """Raised for a frame that is no message; str() says what is wrong, and quotes nothing of it."""


class _Typed(msgspec.Struct):
    """What every message has."""

    type: str


def from_client(frame: str | bytes) -> ClientMessage | None:
    """Return what a client says, None for a type that there is not.  Raises NoMessage."""
    message: ClientMessage | None = _read(frame, _FROM_CLIENT, _CLIENT_TYPES)
    return message


def from_server(frame: str | bytes) -> ServerMessage | None:
    """Return what a server says, None for a type that there is not.  Raises NoMessage."""
    message: ServerMessage | None = _read(frame, _FROM_SERVER, _SERVER_TYPES)
    return message


def written(message: ClientMessage | ServerMessage) -> bytes:
    """Return the JSON of a message."""
    return msgspec.json.encode(message)


def fitting(hello: Hello) -> Hello:
    """
    Return a hello that is no longer than a message may be: without the last of its captures where
    need be, of which a server hints then as of new ones.
    """
    room = MOST_OF_A_CLIENT - len(written(structs.replace(hello, captures=())))
    ends = accumulate(len(msgspec.json.encode(one)) + 1 for one in hello.captures)
    return structs.replace(hello, captures=hello.captures[: bisect_right([*ends], room)])


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a message of either end."""
    either = get_args(ClientMessage) + get_args(ServerMessage)
    found, components = schemas(either)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A message between a client of tcc and its capture server",
        "oneOf": found,
        "$defs": components,
    }


def _read(frame: str | bytes, decoder: msgspec.json.Decoder[Any], types: Mapping[str, Any]) -> Any:
    try:
        if _TYPE.decode(frame).type not in types:
            return None
        return decoder.decode(frame)
    except RecursionError:
        raise NoMessage("it is nested too deep") from None
    except UnicodeDecodeError:
        raise NoMessage("it is no text") from None
    except msgspec.MsgspecError as e:
        raise NoMessage(str(e)) from None


def _types(union: Any) -> dict[str, Any]:
    return {one.__struct_config__.tag: one for one in get_args(union)}


_TYPE = msgspec.json.Decoder(_Typed)
_FROM_CLIENT = msgspec.json.Decoder(ClientMessage)
_FROM_SERVER = msgspec.json.Decoder(ServerMessage)
_CLIENT_TYPES, _SERVER_TYPES = _types(ClientMessage), _types(ServerMessage)
