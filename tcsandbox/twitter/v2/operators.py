"""The operators with a colon, `name:value`, of the rule language.  Pure."""

import math
import re

from tcsandbox.twitter.v2 import clauses
from tcsandbox.twitter.v2.clauses import MILES_A_DEGREE, RuleClause
from tcsandbox.twitter.v2.facts import spaced, tokens
from tcsandbox.twitter.v2.lexing import InvalidRule, no_viable

_USER = (r"@?[A-Za-z0-9_]{1,20}", "Invalid username '{value}' in '{name}:'")
_REFERENCE = "Reference to invalid operator '{name}:{value}'."
_HAS = "hashtags|cashtags|links|mentions|media|images|videos|video_link|geo"
LABELS = {
    "from": _USER,
    "to": _USER,
    "retweets_of": _USER,
    "is": ("(?i:retweet|reply|quote|verified|nullcast)", _REFERENCE),
    "has": (f"(?i:{_HAS})", _REFERENCE),
    "lang": (r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?", "Invalid language code '{value}'"),
    "place_country": (r"[A-Za-z]{2}", "Invalid country code '{value}'"),
}
"""Operator -> the pattern of its value, and X's sentence about any other value."""

_NEVER = (
    "bio bio_name bio_location context entity conversation_id in_reply_to_tweet_id place "
    "retweets_of_tweet_id quotes_of_tweet_id source url_title url_description "
    "followers_count tweets_count following_count listed_count community_id "
    "from_affiliate_of to_affiliate_of min_followers embedding embedding_threshold"
)
NEVER = frozenset(_NEVER.split())
"""The operators that are accepted but true of no simulated post."""

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_BOX = re.compile(rf"\[{_NUMBER} {_NUMBER} {_NUMBER} {_NUMBER}\]")
_RADIUS = re.compile(rf"\[{_NUMBER} {_NUMBER} {_NUMBER}(km|mi)\]")
KM_A_MILE = 1.609344
MAX_RADIUS_MILES = 25.0


def read(name: str, value: str, at: int, box_miles: float | None) -> RuleClause:
    """
    Return the clause of `name:value`, which stands at position `at`; raise InvalidRule.

    `box_miles` is the longest side of a bounding box, None for any.
    """
    name, plain = name.lower(), value.strip('"')
    known = name in NEVER or name in LABELS or name in READERS or name == "bounding_box"
    if known and not plain:
        raise no_viable(f"{name}:", at)
    if name in NEVER:
        return clauses.LabelClause(name, plain)
    if name in LABELS:
        return _label(name, plain, at)
    if name == "bounding_box":
        return _box(value, at, box_miles)
    if name in READERS:
        return READERS[name](plain, at)
    raise InvalidRule(
        f"Reference to invalid operator '{name}' (at position {at}).",
        f"Reference to invalid field '{name}' (at position {at}).",
    )


def _label(name: str, value: str, at: int) -> RuleClause:
    pattern, sentence = LABELS[name]
    if not re.fullmatch(pattern, value):
        raise InvalidRule(f"{sentence.format(name=name, value=value)} (at position {at})")
    if LABELS[name] is _USER:
        return clauses.LabelClause(name, value.removeprefix("@"))
    return clauses.LabelClause(name, value.lower())


def _sample(value: str, at: int) -> RuleClause:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 100):
        raise InvalidRule(f"sample: must be between 1 and 100 percent (at position {at})")
    return clauses.SampleClause(int(value))


def _url(value: str, at: int) -> RuleClause:
    return clauses.UrlClause(value, spaced(tokens(value)))


def _radius(value: str, at: int) -> RuleClause:
    found = _RADIUS.fullmatch(value)
    if not found:
        raise InvalidRule(f"point_radius must be [longitude latitude radius] (at position {at})")
    longitude, latitude = float(found[1]), float(found[2])
    miles = float(found[3]) / (KM_A_MILE if found[4] == "km" else 1)
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise InvalidRule(f"Coordinates out of range (at position {at})")
    if miles > MAX_RADIUS_MILES:
        raise InvalidRule(f"The radius must be less than 25 miles (at position {at})")
    return clauses.RadiusClause(longitude, latitude, miles)


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
    sides = ((east - west) * narrow * MILES_A_DEGREE, (north - south) * MILES_A_DEGREE)
    if box_miles is not None and max(sides) > box_miles:
        raise InvalidRule(
            f"Width and height of the bounding box must be less than {box_miles:g}mi "
            f"(at position {at})"
        )
    return clauses.BoundingBoxClause((west, south, east, north))


def _address(value: str, at: int) -> RuleClause:
    return clauses.AddressClause(value)


READERS = {"sample": _sample, "url": _url, "url_contains": _address, "point_radius": _radius}
