"""Which faults there are, by the names that JSON has for them."""

from inspect import isabstract
from typing import Any, Union

import msgspec

from tcsandbox.twitter.common import damage, faults
from tcsandbox.twitter.common.faults import Replay, SimulatorFault
from tcsandbox.twitter.v1 import faults as v1_faults
from tcsandbox.twitter.v2 import faults as v2_faults

MODULES = (faults, damage, v1_faults, v2_faults)
NOT_BY_JSON = (SimulatorFault, Replay)  # a recording is posted to /sandbox/replay as it stands

KNOWN = {
    str(fault.__struct_config__.tag): fault
    for module in MODULES
    for fault in vars(module).values()
    if isinstance(fault, type) and issubclass(fault, SimulatorFault)
    if not isabstract(fault) and fault not in NOT_BY_JSON
}

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[tuple(KNOWN.values())])  # noqa: UP007  # only known at run time


def kinds() -> list[str]:
    """Return the names of all faults that can be asked for, sorted."""
    return sorted(KNOWN)


def read_fault(data: bytes) -> SimulatorFault:
    """Return the fault that a JSON object names by `kind`; raise ValueError with one sentence."""
    try:
        fault: SimulatorFault = _decoder.decode(data)
    except msgspec.ValidationError as e:
        raise ValueError(f"This is no fault: {e}. The kinds are {', '.join(kinds())}.") from e
    except msgspec.DecodeError as e:
        raise ValueError(f"The body is not JSON: {e}.") from e
    return fault
