"""How much may come from one side, at which rate.  Pure: takes the time."""

from collections import OrderedDict

import attrs


@attrs.define
class Allowance:
    """So much at once, and so much a second in the long run."""

    most: float
    rate: float
    left: float = attrs.Factory(lambda self: self.most, takes_self=True)
    _then: float | None = None

    def takes(self, amount: float, now: float) -> bool:
        """Return whether so much more may come at `now`, in seconds, and count it if so."""
        self._gain(now)
        if amount > self.left:
            return False
        self.left -= amount
        return True

    def wait(self, amount: float, now: float) -> float:
        """Return in how many seconds so much more may come, if nothing comes until then."""
        self._gain(now)
        return max(0.0, (amount - self.left) / self.rate)

    def _gain(self, now: float) -> None:
        if self._then is not None:
            self.left = min(self.most, self.left + max(0.0, now - self._then) * self.rate)
        self._then = now


class Allowances:
    """An allowance for each of some keys; those that were not asked for longest are forgotten."""

    def __init__(self, most: float, rate: float, keys: int = 5000) -> None:
        self._most, self._rate, self._keys = most, rate, keys
        self._known: OrderedDict[object, Allowance] = OrderedDict()

    def of(self, key: object) -> Allowance:
        """Return that of a key, which goes on over connections."""
        found = self._known.pop(key, None) or Allowance(self._most, self._rate)
        self._known[key] = found
        if len(self._known) > self._keys:
            self._known.popitem(last=False)
        return found
