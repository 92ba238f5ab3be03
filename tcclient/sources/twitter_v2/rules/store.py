"""
The rules of an app as `tcc-rules` has them.

Knows whose each is; keeps none, and wants none.
"""

from collections.abc import Sequence

from tcclient.runtime.threads import Threads
from tcclient.sources import keptrules
from tcclient.sources.keptrules import KeptRule, KeptRules
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.ownership import Ownership, Whose
from tcclient.storage.installation import Installation

_GROUPS = {
    Whose.OURS: keptrules.OWN,
    Whose.ELSEWHERE: keptrules.ELSEWHERE,
    Whose.ANOTHER_TCC: keptrules.TCC,
    Whose.FOREIGN: keptrules.FOREIGN,
}


class AppRules(KeptRules):
    """Asks `api` for the rules, and `installation` who this client is."""

    def __init__(self, api: RuleApi, installation: Installation, in_thread: Threads) -> None:
        self._api = api
        self._installation = installation
        self._in_thread = in_thread

    async def rules(self) -> Sequence[KeptRule]:
        ownership = Ownership(await self._in_thread(self._installation.peek))
        return [
            KeptRule(
                rule.id,
                rule.tag,
                rule.value,
                _GROUPS[ownership.whose(rule.tag)],
                ownership.job_of(rule.tag),
            )
            for rule in await self._api.rules()
        ]

    async def delete(self, ids: Sequence[str]) -> None:
        await self._api.delete(ids)
