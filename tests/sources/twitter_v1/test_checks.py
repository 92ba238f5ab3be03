"""What `--check` says of v1.1: the settings that can be used and should not be."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v1.checks import V1Checks
from tcclient.sources.twitter_v1.settings import Keys, V1Section
from tests.peers import KEYS


def v1_checks(section: V1Section | None = None, keys: Keys = KEYS) -> V1Checks:
    """Return the checks of v1.1 with these settings."""
    return V1Checks(section or V1Section(api="1.1"), keys)


class DoubtTests(SynchronousTestCase):
    """What the section `twitter` says that can be used and should not be."""

    def test_a_time_out_within_the_keep_alives(self) -> None:
        """Doubtful, up to the time in which Twitter sends something."""
        for timeout, doubts in ((None, 0), (30, 1), (30.1, 0)):
            section = V1Section(api="1.1", stall_timeout=timeout)
            self.assertEqual(len([*v1_checks(section).doubts()]), doubts, timeout)


class SubjectTests(SynchronousTestCase):
    """What is checked."""

    def test_nobody_is_asked(self) -> None:
        """Each connect would cost a running client its own; the host is looked up by its name."""
        checks = v1_checks(V1Section(stream_url="http://h/1.1/"))
        self.assertEqual(checks.address, ("twitter.stream_url", "http://h/1.1/"))
        self.assertEqual((*checks.of_this_machine(), *checks.of_the_network()), ())
