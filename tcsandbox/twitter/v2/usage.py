"""How many posts an app has been sent, as `GET /2/usage/tweets` says it.  Pure."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import attrs

from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.problems import Reply

DAILY = ("daily_client_app_usage", "daily_project_usage")
FIELDS = (*DAILY, "cap_reset_day", "project_cap", "project_id", "project_usage")
PROJECT, CLIENT_APP = "7654321", "1234567"
MOST_DAYS = 90


@attrs.define
class Usage:
    """The posts that were sent, by the day on which somebody asked."""

    _by_day: Counter[str] = attrs.Factory(Counter)
    _seen: int = 0

    def count(self, sent: int, now: float) -> None:
        """Take note that `sent` posts were sent in all."""
        self._by_day[f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT00:00:00.000Z}"] += (
            sent - self._seen
        )
        self._seen = sent

    def told(self, params: Mapping[str, str], plan: Plan) -> Reply:
        """Answer a GET; daily numbers are given to who asks for them.  Raise Denied."""
        days = params.get("days", "7")
        if not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS):
            raise problems.bad_parameter("days", days, "is not between 1 and 90")
        asked = [name for name in params.get("usage.fields", "").split(",") if name]
        for name in asked:
            if name not in FIELDS:
                fault = f"is not one of [{','.join(FIELDS)}]"
                raise problems.bad_parameter("usage.fields", name, fault)
        newest = sorted(self._by_day.items())[-int(days) :]
        usage: list[Json] = [{"date": day, "usage": str(number)} for day, number in newest]
        told: Json = {
            "cap_reset_day": plan.usage_reset_day,
            "project_cap": str(plan.usage_cap),
            "project_id": PROJECT,
            "project_usage": str(self._by_day.total()),
        }
        client_app: Json = {"client_app_id": CLIENT_APP, "usage": usage}
        client_app["usage_result_count"] = len(usage)
        daily = {DAILY[0]: [client_app], DAILY[1]: {"project_id": PROJECT, "usage": usage}}
        return Reply(200, {"data": told | {name: daily[name] for name in DAILY if name in asked}})
