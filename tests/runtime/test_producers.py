"""Pausing a producer that several consumers share."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.producers import Pausable, SharedProducer


class Producer(Pausable):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """Keep that it is to pause."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Keep that it is to go on."""
        self.told.append("resume")


class SharedProducerTests(SynchronousTestCase):
    def test_every_consumer_counts(self) -> None:
        """It goes on when the last one resumes it; resuming what nobody paused changes nothing."""
        producer = Producer()
        shared = SharedProducer(producer)
        for act, consumer, is_paused, told in (
            (shared.resume_for, "disk", False, []),
            (shared.pause_for, "disk", True, ["pause"]),
            (shared.pause_for, "disk", True, []),
            (shared.pause_for, "space", True, []),
            (shared.resume_for, "disk", True, []),
            (shared.resume_for, "disk", True, []),
            (shared.resume_for, "space", False, ["resume"]),
        ):
            producer.told.clear()
            act(consumer)
            self.assertEqual((shared.is_paused, producer.told), (is_paused, told), (act, consumer))
