"""Which faults there are, by the names that JSON has for them."""

from typing import get_args

import msgspec

from tcsandbox.twitter.common.damage import (
    BadChunk,
    Close,
    Fin,
    Garbage,
    GzipCut,
    LongLine,
    Rst,
    SimulatedConnectionLimit,
    SplitChunks,
    Stall,
    Trickle,
)
from tcsandbox.twitter.common.faults import (
    Clear,
    HttpStatusFault,
    NoAnswer,
    Redirect,
    SimulatorFault,
)
from tcsandbox.twitter.v1.faults import Calm, Takeover
from tcsandbox.twitter.v1.remarks import (
    SimulatedDelete,
    SimulatedDisconnect,
    SimulatedLimit,
    SimulatedScrubGeo,
    SimulatedStallWarning,
    SimulatedStatusWithheld,
    SimulatedUnknown,
    SimulatedUserUpdate,
    SimulatedUserWithheld,
)
from tcsandbox.twitter.v2.faults import (
    ChangePlan,
    ExpireToken,
    ForeignRule,
    InvalidToken,
    NoCredits,
    NotEnrolled,
    Partial,
    Provisioning,
    RateLimited,
    Repeat,
    RulesInvalid,
    StreamError,
    TooManyConnections,
    UsageCap,
)

Answers = HttpStatusFault | Redirect | NoAnswer
Habits = Calm | Takeover | Clear
Damages = (
    Stall
    | Trickle
    | SplitChunks
    | Rst
    | Fin
    | Close
    | Garbage
    | LongLine
    | BadChunk
    | GzipCut
    | SimulatedConnectionLimit
)
Remarks = (
    SimulatedDelete
    | SimulatedScrubGeo
    | SimulatedLimit
    | SimulatedStatusWithheld
    | SimulatedUserWithheld
    | SimulatedDisconnect
    | SimulatedStallWarning
    | SimulatedUserUpdate
    | SimulatedUnknown
)

V2Answers = (
    TooManyConnections
    | RateLimited
    | Provisioning
    | RulesInvalid
    | NotEnrolled
    | UsageCap
    | NoCredits
    | InvalidToken
)
V2Others = StreamError | Partial | Repeat | ExpireToken | ForeignRule | ChangePlan

Known = Answers | Habits | Damages | Remarks | V2Answers | V2Others

_decoder = msgspec.json.Decoder(Known)


def kinds() -> list[str]:
    """Return the names of all faults that can be asked for, sorted."""
    return sorted(str(fault.__struct_config__.tag) for fault in get_args(Known))


def read_fault(data: bytes) -> SimulatorFault:
    """
    Return the fault that a JSON object names by its `kind`.

    Raise ValueError with one sentence for anything else.
    """
    try:
        fault: SimulatorFault = _decoder.decode(data)
    except msgspec.ValidationError as e:
        raise ValueError(f"This is no fault: {e}. The kinds are {', '.join(kinds())}.") from e
    except msgspec.DecodeError as e:
        raise ValueError(f"The body is not JSON: {e}.") from e
    return fault
