"""The operators with a colon, `name:value`, of the rule language.  Pure."""

import math
import re

from tcsandbox.twitter.v2 import clauses, places
from tcsandbox.twitter.v2.clauses import RuleClause
from tcsandbox.twitter.v2.facts import spaced, tokens
from tcsandbox.twitter.v2.invalid import InvalidRule

IS = frozenset({"retweet", "reply", "quote", "verified", "nullcast"})
HAS = frozenset(
    {"hashtags", "cashtags", "links", "mentions", "media", "images", "videos", "video_link", "geo"}
)
_NEVER = (
    "bio bio_name bio_location context entity conversation_id in_reply_to_tweet_id place "
    "retweets_of_tweet_id quotes_of_tweet_id source url_title url_description "
    "url_contains followers_count tweets_count following_count listed_count community_id"
)
NEVER = frozenset(_NEVER.split())
"""The operators that are accepted but true of no simulated post."""

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,20}")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_BOX = re.compile(rf"\[{_NUMBER} {_NUMBER} {_NUMBER} {_NUMBER}\]")
_RADIUS = re.compile(rf"\[{_NUMBER} {_NUMBER} {_NUMBER}(km|mi)\]")
MAX_RADIUS_MILES = 25.0


def read(name: str, value: str, at: int, box_miles: float | None) -> RuleClause:
    """
    Return the clause of `name:value`, which stands at position `at`; raise InvalidRule.

    `box_miles` is the longest side of a bounding box, None for any.
    """
    name, plain = name.lower(), value.strip('"')
    if not plain and (name in READERS or name in NEVER or name == "bounding_box"):
        raise InvalidRule(f"no viable alternative at input '{name}:' (at position {at})")
    if name in NEVER:
        return clauses.NeverClause(name)
    if name == "bounding_box":
        return _box(value, at, box_miles)
    reader = READERS.get(name)
    if reader is None:
        raise InvalidRule(
            f"Reference to invalid operator '{name}' (at position {at}).",
            f"Reference to invalid field '{name}' (at position {at}).",
        )
    return reader(plain, at)


def _user(role: str, value: str, at: int) -> RuleClause:
    name = value.removeprefix("@")
    if not _USERNAME.fullmatch(name):
        raise InvalidRule(f"Invalid username '{value}' in '{role}:' (at position {at})")
    return clauses.UserClause(role, name)


def _named(kind: str, known: frozenset[str], value: str, at: int) -> str:
    """Return `value` in lower case; raise InvalidRule unless it is one of `known`."""
    if value.lower() not in known:
        raise InvalidRule(f"Reference to invalid operator '{kind}:{value}'. (at position {at})")
    return value.lower()


def _is(value: str, at: int) -> RuleClause:
    return clauses.IsClause(_named("is", IS, value, at))


def _has(value: str, at: int) -> RuleClause:
    return clauses.HasClause(_named("has", HAS, value, at))


def _lang(value: str, at: int) -> RuleClause:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?", value):
        raise InvalidRule(f"Invalid language code '{value}' (at position {at})")
    return clauses.LangClause(value.lower())


def _sample(value: str, at: int) -> RuleClause:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 100):
        raise InvalidRule(f"sample: must be between 1 and 100 percent (at position {at})")
    return clauses.SampleClause(int(value))


def _country(value: str, at: int) -> RuleClause:
    if not re.fullmatch(r"[A-Za-z]{2}", value):
        raise InvalidRule(f"Invalid country code '{value}' (at position {at})")
    return places.CountryClause(value)


def _url(value: str, at: int) -> RuleClause:
    return clauses.UrlClause(value, spaced(tokens(value)))


def _radius(value: str, at: int) -> RuleClause:
    found = _RADIUS.fullmatch(value)
    if not found:
        raise InvalidRule(f"point_radius must be [longitude latitude radius] (at position {at})")
    longitude, latitude = float(found[1]), float(found[2])
    miles = float(found[3]) / (places.KM_A_MILE if found[4] == "km" else 1)
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise InvalidRule(f"Coordinates out of range (at position {at})")
    if miles > MAX_RADIUS_MILES:
        raise InvalidRule(f"The radius must be less than 25 miles (at position {at})")
    return places.RadiusClause(longitude, latitude, miles)


def _box(value: str, at: int, box_miles: float | None) -> RuleClause:
    found = _BOX.fullmatch(value)
    if not found:
        raise InvalidRule(
            f"bounding_box must be [west_long south_lat east_long north_lat] (at position {at})"
        )
    west, south, east, north = (float(number) for number in found.groups())
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise InvalidRule(f"Coordinates out of range or out of order (at position {at})")
    narrow = math.cos(math.radians((south + north) / 2))
    sides = (
        (east - west) * narrow * places.MILES_A_DEGREE,
        (north - south) * places.MILES_A_DEGREE,
    )
    if box_miles is not None and max(sides) > box_miles:
        raise InvalidRule(
            f"Width and height of the bounding box must be less than {box_miles:g}mi "
            f"(at position {at})"
        )
    return places.BoundingBoxClause((west, south, east, north))


READERS = {
    "from": lambda value, at: _user("from", value, at),
    "to": lambda value, at: _user("to", value, at),
    "retweets_of": lambda value, at: _user("retweets_of", value, at),
    "is": _is,
    "has": _has,
    "lang": _lang,
    "sample": _sample,
    "place_country": _country,
    "url": _url,
    "point_radius": _radius,
}
