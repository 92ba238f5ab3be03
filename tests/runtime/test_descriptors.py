"""Behaviour of the limit on open files."""

import resource

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.shortage import raise_limit


class LimitTests(SynchronousTestCase):
    """That of this process, which is put back."""

    def test_it_is_raised_to_what_is_allowed(self) -> None:
        """The soft limit becomes the hard one, which stays as it is."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
        raise_limit()
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), (hard, hard))
