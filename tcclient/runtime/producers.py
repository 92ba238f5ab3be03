"""
Pauses what brings data while somebody cannot take it, in the words of Twisted's IPushProducer.

Knows who has asked for a pause; does not know why, nor what is produced.
"""

from typing import Protocol


class Pausable(Protocol):
    """The part of twisted.internet.interfaces.IPushProducer that a consumer uses."""

    def pauseProducing(self) -> None:
        """Bring nothing until resumeProducing() is called."""

    def resumeProducing(self) -> None:
        """Bring data again."""


class SharedProducer:
    """A producer that several consumers share: it is paused while any of them wants it to be."""

    def __init__(self, producer: Pausable) -> None:
        self._producer = producer
        self._paused_by: set[object] = set()

    @property
    def is_paused(self) -> bool:
        """Whether a consumer has paused it and not resumed it since."""
        return bool(self._paused_by)

    def pause_for(self, consumer: object) -> None:
        """Pause the producer until this consumer and every other one has resumed it."""
        was_paused = self.is_paused
        self._paused_by.add(consumer)
        if not was_paused:
            self._producer.pauseProducing()

    def resume_for(self, consumer: object) -> None:
        """Resume the producer, unless another consumer still has it paused."""
        was_paused = self.is_paused
        self._paused_by.discard(consumer)
        if was_paused and not self.is_paused:
            self._producer.resumeProducing()
