"""
What `--check` can find out about v1.1.

Knows settings and the shapes of keys; does not ask Twitter, which counts each connect.
"""

from collections.abc import Iterator, Mapping

import attrs
from msgspec import structs

from tcclient.ledger.entries import RefusedTerm
from tcclient.runtime.secrets import Secret
from tcclient.runtime.verdicts import Verdict
from tcclient.sources.doubts import doubts
from tcclient.sources.source import SourceChecks
from tcclient.sources.twitter import credentials
from tcclient.sources.twitter.settings import impatience
from tcclient.sources.twitter_v1.api import KEEP_ALIVE
from tcclient.sources.twitter_v1.query import SYNTAX
from tcclient.sources.twitter_v1.settings import Keys, V1Section


@attrs.frozen
class V1Checks(SourceChecks):
    """The checks of v1.1 with its settings."""

    _section: V1Section
    _keys: Keys

    @property
    def address(self) -> tuple[str, str]:
        return "twitter.stream_url", self._section.stream_url

    def doubts(self) -> Iterator[str]:
        """Yield a clause if the stall time-out is shorter than the time between two keep-alives."""
        return impatience(self._section.stall_timeout, KEEP_ALIVE)

    def keyword_doubts(self, text: str | None) -> tuple[RefusedTerm, ...]:
        return doubts(text, SYNTAX)

    def credentials(self, others: Mapping[str, Secret]) -> Verdict:
        """Return what the shapes of the four keys tell."""
        return credentials.verdict(structs.asdict(self._keys), others)
