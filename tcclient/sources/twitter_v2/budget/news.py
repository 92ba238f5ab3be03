"""
What ledgers and log say of the budget.

Knows what is worth a line; counts nothing, and closes no connection.
"""

from collections.abc import Callable

from twisted.logger import Logger

from tcclient.ledger import entries
from tcclient.sources.twitter_v2 import entries as v2entries
from tcclient.sources.twitter_v2.budget.limits import LimitUse, utc_minute
from tcclient.sources.twitter_v2.subscription import Subscriptions

log = Logger()


class BudgetNews:
    """
    Tells all ledgers and the log what a budget keeper reports.  `changed` is called when the stream
    has to be closed for it, or may be opened again, and `record_awaited` when it is not to be read
    for a moment, as it is written on disk what has been bought, or may be read again.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        changed: Callable[[], object],
        record_awaited: Callable[[], object],
    ) -> None:
        self._subscriptions = subscriptions
        self._changed = changed
        self.record_awaited = record_awaited

    def budget_exhausted(self, level: LimitUse, until: float) -> None:
        """Note that the budget is used up, and have the connection closed."""
        log.warn(
            "The budget of this {name} is used up, {used} of {limit} posts: nothing is captured "
            "before {until}.",
            name=level.name,
            used=level.used,
            limit=level.limit,
            until=utc_minute(until),
        )
        self._note(
            v2entries.BudgetExhausted(
                name=level.name,
                spent=level.spent,
                limit=level.limit,
                until=entries.moment(until),
                estimated=level.estimated,
            )
        )

    def budget_unkept(self, reason: str) -> None:
        """Note that the spending cannot be kept on disk, and have the connection closed."""
        log.error(
            "What is spent of the budget cannot be kept on disk ({reason}): nothing is captured "
            "until it can.",
            reason=reason,
        )
        self._note(v2entries.BudgetUnkept(reason=reason))

    def budget_renewed(self) -> None:
        """Note that posts may be bought again, and have the connection opened."""
        log.info("Posts may be bought again.")
        self._note(v2entries.BudgetRenewed())

    def _note(self, entry: entries.Entry) -> None:
        self._subscriptions.note_all(entry)
        self._changed()
