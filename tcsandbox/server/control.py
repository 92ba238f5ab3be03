"""
The stand-in's own controls over HTTP: which fault comes next, what kind of server, what happened.

Knows the addresses below /sandbox/ and their JSON; does the rest through a `Controlled`.
"""

import json
from typing import Protocol, TypeAlias

from msgspec import to_builtins

from tcsandbox.server.quirks import Quirks, ServerFault, parse_fault

ControlReply: TypeAlias = tuple[int, object]


class Controlled(Protocol):
    """What the controls ask of a server: see CaptureServer."""

    quirks: Quirks

    def quirk(self, **changes: object) -> None:
        """Replace members of `quirks`; raise ValueError with a sentence for a bad one."""
        ...

    def fault(self, fault: ServerFault) -> None:
        """Let `fault` happen to the next requests that it concerns."""
        ...

    def clear_faults(self) -> None:
        """Forget the faults still to come."""
        ...

    def pending_faults(self) -> list[dict[str, object]]:
        """Return the faults still to come, as JSON objects."""
        ...

    def state(self) -> dict[str, object]:
        """Return everything that can be known from outside, ready for JSON."""
        ...


def control(server: Controlled, method: str, path: str, body: bytes) -> ControlReply:
    """
    Return the status and the JSON that answer a control.

    POST /sandbox/fault with a fault of quirks.py plans it, DELETE forgets all; POST
    /sandbox/quirk changes the members given; GET /sandbox/state tells everything.
    """
    try:
        match method, path:
            case "GET", "/sandbox/state":
                return 200, server.state()
            case "POST", "/sandbox/fault":
                server.fault(parse_fault(json.loads(body)))
            case "DELETE", "/sandbox/fault":
                server.clear_faults()
            case "POST", "/sandbox/quirk":
                server.quirk(**_members(body))
            case _:
                return 404, {"error": f"There is no {method} {path}."}
    except ValueError as e:
        return 400, {"error": str(e)}
    return 200, {"quirks": to_builtins(server.quirks), "faults": server.pending_faults()}


def _members(body: bytes) -> dict[str, object]:
    members = json.loads(body)
    if not isinstance(members, dict):
        raise ValueError("Expected an object with the quirks to change.")
    return members
