"""The line of a monitoring plugin."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.health.facts import CaptureFacts, ClientFacts
from tcclient.health.health import as_line
from tcclient.health.judgement import judge


class LineTests(SynchronousTestCase):
    def line(self, facts: ClientFacts) -> str:
        return as_line(judge(facts), facts)

    def test_figures(self) -> None:
        """Those of programs stand behind a bar; a room that nobody knows yet is U."""
        facts = ClientFacts(now=0.0, runs=True, disk_free=5 << 30, disk_size=9 << 30)
        told = "TCC OK - Nothing is to be captured. | captures=0 streaming=0"
        self.assertEqual(self.line(facts), f"{told} disk_free=5368709120B")
        self.assertEqual(self.line(ClientFacts(now=0.0, runs=True)), f"{told} disk_free=U")

    def test_a_bar_in_a_name(self) -> None:
        """It does not end the text."""
        lost = CaptureFacts(job=1, name="a|b", not_run="no | place", not_run_since=0.0)
        line = self.line(ClientFacts(now=100.0, runs=True, captures=[lost]))
        self.assertEqual(line.count("|"), 1)
