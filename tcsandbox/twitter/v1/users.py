"""The v1.1 objects around a text: users, places and points.  Every one is made from a Random."""

from datetime import UTC, datetime
from random import Random

import attrs

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.common.writing import part_of, some_degree
from tcsandbox.twitter.v1.filters import LocationBox

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def twitter_time(when: datetime) -> str:
    """Return `when` in v1.1's form, "Wed Dec 02 20:05:11 +0000 2015", whatever the locale."""
    when = when.astimezone(UTC)
    month = MONTHS[when.month - 1]
    return f"{DAYS[when.weekday()]} {month} {when:%d %H:%M:%S} +0000 {when.year:04d}"


def make_user(rng: Random, user_id: int | None = None) -> Json:
    """Return a user, with `user_id` if given; one in two has a plain profile."""
    user_id = rng.randrange(1 << 33) if user_id is None else user_id
    name, screen_name = rng.choice(vocabulary.NAMES)
    zone, offset = rng.choice(vocabulary.TIME_ZONES)
    joined = datetime.fromtimestamp(rng.randrange(1_200_000_000, 1_500_000_000), UTC)
    return {
        "id": user_id,
        "id_str": str(user_id),
        "name": name,
        "screen_name": screen_name,
        "location": rng.choice(vocabulary.PLACES),
        "url": rng.choice((None, f"https://www.example.com/~{screen_name}")),
        "description": rng.choice(vocabulary.DESCRIPTIONS),
        "translator_type": "none",
        "protected": False,
        "verified": rng.random() < 0.05,
        **_counts(rng),
        "created_at": twitter_time(joined),
        "utc_offset": offset,
        "time_zone": zone,
        "geo_enabled": rng.random() < 0.4,
        "lang": rng.choice((None, "en", "ja", "pt")),
        **dict.fromkeys(("contributors_enabled", "is_translator"), False),
        **_profile(rng, user_id),
    }


def _counts(rng: Random) -> Json:
    return {
        "followers_count": int(rng.paretovariate(0.6)) % 9_000_000,
        "friends_count": rng.randrange(5_000),
        "listed_count": rng.randrange(200),
        "favourites_count": rng.randrange(50_000),
        "statuses_count": rng.randrange(1, 200_000),
    }


def _profile(rng: Random, user_id: int) -> Json:
    plain = rng.random() < 0.5
    theme = f"://abs.twimg.com/images/themes/theme{1 if plain else rng.randint(2, 19)}/bg.png"
    image = f"://pbs.twimg.com/profile_images/{rng.randrange(1 << 60)}/{user_id:x}_normal.jpg"
    return {
        "profile_background_color": "F5F8FA" if plain else f"{rng.randrange(1 << 24):06X}",
        "profile_background_image_url": f"http{theme}",
        "profile_background_image_url_https": f"https{theme}",
        "profile_background_tile": not plain,
        "profile_link_color": "1DA1F2" if plain else f"{rng.randrange(1 << 24):06X}",
        "profile_sidebar_border_color": "C0DEED",
        "profile_sidebar_fill_color": "DDEEF6",
        "profile_text_color": "333333",
        "profile_use_background_image": True,
        "profile_image_url": f"http{image}",
        "profile_image_url_https": f"https{image}",
        "profile_banner_url": f"https://pbs.twimg.com/profile_banners/{user_id}/1446842571",
        "default_profile": plain,
        "default_profile_image": False,
        **dict.fromkeys(("following", "follow_request_sent", "notifications")),
    }


def make_location(rng: Random, box: LocationBox | None) -> Json:
    """Return `geo`, `coordinates` and `place` of a post inside `box`: half have only a place."""
    if box is None:
        return {"geo": None, "coordinates": None, "place": None}
    longitude = some_degree(box.west, box.east, rng)
    latitude = some_degree(box.south, box.north, rng)
    place = _place(rng, box)
    if rng.random() < 0.5:
        return {"geo": None, "coordinates": None, "place": place}
    return {
        "geo": {"type": "Point", "coordinates": [latitude, longitude]},
        "coordinates": {"type": "Point", "coordinates": [longitude, latitude]},
        "place": place,
    }


def _place(rng: Random, box: LocationBox) -> Json:
    west, south, east, north = part_of(attrs.astuple(box), rng)
    place_id = f"{rng.randrange(1 << 64):016x}"
    corners = [[west, south], [west, north], [east, north], [east, south]]
    return {
        "id": place_id,
        "url": f"https://api.twitter.com/1.1/geo/id/{place_id}.json",
        "place_type": "city",
        "name": "Køge",
        "full_name": "Køge, Danmark",
        "country_code": "DK",
        "country": "Danmark",
        "bounding_box": {"type": "Polygon", "coordinates": [corners]},
        "attributes": {},
    }
