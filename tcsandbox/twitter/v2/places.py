"""The clauses about where a post was made.  Pure."""

import math
from random import Random

import attrs

from tcsandbox.twitter.v2.clauses import Corners, PostRequirements, RuleClause
from tcsandbox.twitter.v2.facts import Facts

MILES_A_DEGREE = 69.17
KM_A_MILE = 1.609344


@attrs.frozen
class CountryClause(RuleClause):
    """Matches a post whose place is in the country `code`, two letters."""

    code: str

    def matches(self, facts: Facts) -> bool:
        return facts.country == self.code.lower()

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.country = self.code.upper()


@attrs.frozen
class BoundingBoxClause(RuleClause):
    """Matches a post whose point, or the whole of whose place, is within `corners`."""

    corners: Corners

    def matches(self, facts: Facts) -> bool:
        west, south, east, north = self.corners
        return any(
            west <= w and e <= east and south <= s and n <= north for w, s, e, n in facts.boxes
        )

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.box = self.corners


@attrs.frozen
class RadiusClause(RuleClause):
    """
    Matches a post made within `miles` of a point.

    Of a post with a place only, the farthest corner counts.
    """

    longitude: float
    latitude: float
    miles: float

    def matches(self, facts: Facts) -> bool:
        return any(
            max(self._distance(x, y) for x in (w, e) for y in (s, n)) <= self.miles
            for w, s, e, n in facts.boxes
        )

    def require(self, needs: PostRequirements, rng: Random) -> None:
        north = self.miles / MILES_A_DEGREE / 2
        east = north / max(math.cos(math.radians(self.latitude)), 0.01)
        x, y = self.longitude, self.latitude
        needs.box = (x - east, y - north, x + east, y + north)

    def _distance(self, longitude: float, latitude: float) -> float:
        # on a flat map: exact enough within the 25 miles that X allows
        narrow = math.cos(math.radians(self.latitude))
        across = (longitude - self.longitude) * narrow
        return math.hypot(across, latitude - self.latitude) * MILES_A_DEGREE
