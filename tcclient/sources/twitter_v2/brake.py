"""
Whether the shared stream is read, although some captures cannot take posts.

Knows with which captures there is patience left; reads nothing itself.
"""

from msgspec import Struct
from twisted.logger import Logger

from tcclient.runtime.producers import Pausable
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper
from tcclient.sources.twitter_v2.news import Claims
from tcclient.sources.twitter_v2.patience import MOST_AWAITED
from tcclient.sources.twitter_v2.subscription import MOST_WAITING, Subscriptions
from tcclient.sources.twitter_v2.switch import StreamSwitch

log = Logger()


class Brake(Struct, eq=False):
    """
    Pauses the stream of `switch` and the count of `keeper`, if there is one, while a capture or the
    record of that count is awaited, or none of the captures that a stream is asked for can take
    posts; resumes both otherwise.
    """

    _subscriptions: Subscriptions
    _claims: Claims
    _switch: StreamSwitch
    keeper: BudgetKeeper | None = None
    _overtaken: frozenset[int] = frozenset()

    def review(self) -> None:
        """Pause or resume, by what is known now."""
        ill = [one for one in self._subscriptions if not one.patience.is_well]
        is_unkept = self.keeper is not None and self.keeper.is_awaited
        paused = is_unkept or any(one.patience.is_awaited for one in ill)
        if ill and not paused:
            paused = not any(one.patience.is_well for one in self._claims.asking())
        producers: list[Pausable] = [self._switch]
        if self.keeper is not None and self._switch.connected:
            producers.append(self.keeper)
        for producer in producers:
            (producer.pauseProducing if paused else producer.resumeProducing)()
        before = self._overtaken
        self._overtaken = frozenset(() if paused else (one.job_id for one in ill))
        for one in self._subscriptions.of(self._overtaken - before):
            log.warn(
                "The stream is read for the others again, after {seconds:g} s, although {name!r} "
                "cannot be stored: {size} MiB of its posts may wait, and more are missed.",
                seconds=MOST_AWAITED,
                name=one.title,
                size=MOST_WAITING >> 20,
            )
