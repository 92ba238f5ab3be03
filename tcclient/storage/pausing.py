"""
Whether posts may come: nothing more is brought while the disk refuses, or too much waits for it.

             crowded
    flowing ---------> crowded
      | ^   <---------    |
      | |    relieved     |
      | |                 | refused
      | +----taken----+   |
      |               |   v
      +---refused---> refused

In `refused` only `taken` has an effect: the disk has taken all that it had refused.  Knows who is
to be told and paused; does not know when the disk is tried again.
"""

import math
from typing import Protocol

from automat import TypeMachineBuilder

from tcclient.storage.bookkeeper import Bookkeeper

MOST_WAITING_FOR_DISK = 4 << 20
"""Bytes that may wait for a busy disk; with more, the posts are paused."""


class DiskInputs(Protocol):
    """What can happen to what waits for a disk.  Automat makes the class that implements this."""

    def crowded(self) -> None:
        """Called when more than MOST_WAITING_FOR_DISK wait."""

    def relieved(self) -> None:
        """Called when no more than that wait any more."""

    def refused(self, reason: str) -> None:
        """Called when the disk has refused something; `reason` is a clause."""

    def taken(self) -> None:
        """Called when the disk has taken everything that waited."""


class Pausing:
    """
    Tells `owner` about the disk, and to pause what brings the posts.  The machine sets `is_refused`
    and the numbers of waiting bytes between which the state stays as it is: both are looked at for
    every read, which the machine itself is too slow for.
    """

    def __init__(self, owner: Bookkeeper) -> None:
        self.is_refused = False
        self._owner = owner
        self._least, self._most = 0.0, float(MOST_WAITING_FOR_DISK)
        self._inputs = machine(self)

    def waits(self, size: int) -> None:
        """Pause the posts, or have them brought again, now that so many bytes wait."""
        if size > self._most:
            self._inputs.crowded()
        elif size < self._least:
            self._inputs.relieved()

    def refused(self, reason: str) -> None:
        """Say that the disk has refused something, if it is the first time; pause the posts."""
        self._inputs.refused(reason)

    def taken(self) -> None:
        """Say that the disk has recovered, if it had refused something; let posts come again."""
        if self.is_refused:
            self._inputs.taken()


_builder = TypeMachineBuilder(DiskInputs, Pausing)
FLOWING = _builder.state("flowing")
CROWDED = _builder.state("crowded")
REFUSED = _builder.state("refused")


@FLOWING.upon(DiskInputs.crowded).to(CROWDED)
def _crowd(inputs: DiskInputs, pausing: Pausing) -> None:
    pausing._least, pausing._most = MOST_WAITING_FOR_DISK + 1, math.inf
    pausing._owner.pauseProducing()


@CROWDED.upon(DiskInputs.relieved).to(FLOWING)
def _flow(inputs: DiskInputs, pausing: Pausing) -> None:
    pausing._least, pausing._most = 0, MOST_WAITING_FOR_DISK
    pausing._owner.resumeProducing()


@CROWDED.upon(DiskInputs.refused).to(REFUSED)
def _refuse(inputs: DiskInputs, pausing: Pausing, reason: str) -> None:
    pausing.is_refused = True
    pausing._least, pausing._most = 0, math.inf
    pausing._owner.troubled(reason)


@FLOWING.upon(DiskInputs.refused).to(REFUSED)
def _refuse_and_pause(inputs: DiskInputs, pausing: Pausing, reason: str) -> None:
    _refuse(inputs, pausing, reason)
    pausing._owner.pauseProducing()


@REFUSED.upon(DiskInputs.taken).to(FLOWING)
def _recover(inputs: DiskInputs, pausing: Pausing) -> None:
    pausing.is_refused = False
    pausing._owner.recovered()
    _flow(inputs, pausing)


REFUSED.upon(DiskInputs.refused).loop().returns(None)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `flowing`, for a Pausing."""
