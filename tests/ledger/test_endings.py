"""Why there is no stream, as a ledger says it."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Disconnected, NotConnected
from tcclient.runtime.backoff import Refusal, Trouble


class EndingTests(SynchronousTestCase):
    """What an Ending tells."""

    def test_ledger_line(self) -> None:
        """Members that say nothing are left out; a wait of 0 says something."""
        ending = Ending("closed", "it closed", Trouble.NETWORK, 0.0, incomplete=3, silent=0.25)
        self.assertEqual(
            ending.for_ledger().members(),
            {
                "kind": "disconnected",
                "cause": "closed",
                "detail": "it closed",
                "trouble": "network",
                "wait": 0.0,
                "incomplete": 3,
                "silent": 0.25,
            },
        )
        self.assertEqual(
            Ending("closed", "why", unread=True).for_ledger(),
            Disconnected(cause="closed", detail="why", silent=0.0, unread=True),
        )
        self.assertEqual(
            Ending("stopped", "why").for_ledger(),
            Disconnected(cause="stopped", detail="why", silent=0.0),
        )

    def test_ledger_line_of_a_refusal(self) -> None:
        """It has the other side's words, where there are any; the advice is for the log."""
        for said, words in (("Bad {token}", {"explanation": "Bad {token}"}), ("", {})):
            refusal = Refusal(Trouble.HTTP, "Do this.", said, at_least=7.0)
            ending = Ending("refused", "no", Trouble.HTTP, 7.0, 503, refusal)
            self.assertEqual(
                ending.for_ledger(),
                NotConnected(
                    cause="refused", detail="no", trouble="http", wait=7.0, status=503, **words
                ),
            )

    def test_attempts_are_told_from_connections(self) -> None:
        """By their cause."""
        for cause, connected in (("refused", False), ("unreachable", False), ("stall", True)):
            self.assertEqual(Ending(cause, "").was_connected, connected)
