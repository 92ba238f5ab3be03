"""The v2 objects around a post: users, places, media, polls.  Every one is made from a Random."""

from datetime import UTC, datetime
from random import Random

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.common.writing import Corners, part_of, some_degree, video_variants

TOPICS = (
    ("30", "Entities [Entity Service]", "Weather"),
    ("65", "Interests and Hobbies Vertical", "Food"),
    ("131", "Unified Twitter Taxonomy", "Travel & transport"),
    ("3", "TV Shows", "The Late Night Programme"),
)
ANNOTATED, FEW, MOST_ANNOTATED = 0.96, 1.2, 30
"""How many annotations posts have: few, and some many, so that lines are as long as X's are."""


def iso(when: datetime) -> str:
    """Return `when` as v2 writes it: "2024-01-15T10:30:00.000Z"."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def make_user(rng: Random, wanted: str | None = None) -> Json:
    """Return a user; `wanted` is a username or, all digits, an id."""
    name, username = rng.choice(vocabulary.NAMES)
    user_id = str(rng.randrange(1 << 33))
    if wanted is not None and wanted.isdigit():
        user_id = wanted
    elif wanted is not None:
        username = wanted
    joined = datetime.fromtimestamp(rng.randrange(1_200_000_000, 1_700_000_000), UTC)
    image = f"{rng.randrange(1 << 60)}/{rng.randrange(1 << 48):x}_normal.jpg"
    verified = rng.random() < 0.1
    return {
        "id": user_id,
        "name": name,
        "username": username,
        "created_at": iso(joined),
        "description": rng.choice(vocabulary.DESCRIPTIONS) or "",
        "location": rng.choice(vocabulary.PLACES) or "",
        "profile_image_url": f"https://pbs.twimg.com/profile_images/{image}",
        "protected": False,
        "public_metrics": _metrics(rng),
        "url": rng.choice(("", f"https://t.co/{rng.randrange(1 << 40):010x}")),
        "verified": verified,
        "verified_type": "blue" if verified else "none",
        **dict.fromkeys(("is_identity_verified", "parody"), False),
    }


def _metrics(rng: Random) -> Json:
    return {
        "followers_count": int(rng.paretovariate(0.6)) % 9_000_000,
        "following_count": rng.randrange(5_000),
        "tweet_count": rng.randrange(1, 200_000),
        "listed_count": rng.randrange(200),
        "like_count": rng.randrange(50_000),
        "media_count": rng.randrange(2_000),
    }


def make_place(rng: Random, within: Corners | None, country: str | None) -> tuple[Json, Json]:
    """Return a post's `geo`, every other time with a point, and the place that it names."""
    west, south, east, north = bbox = part_of(within or (12.0, 55.4, 12.3, 55.6), rng)
    place_id = f"{rng.randrange(1 << 64):016x}"
    geo: Json = {"place_id": place_id}
    if rng.random() < 0.5:
        point = [some_degree(west, east, rng), some_degree(south, north, rng)]
        geo["coordinates"] = {"type": "Point", "coordinates": point}
    place: Json = {
        "id": place_id,
        "full_name": "Køge, Danmark",
        "name": "Køge",
        "place_type": "city",
        "country": "Danmark" if country is None else country,
        "country_code": country or "DK",
        "geo": {"type": "Feature", "bbox": bbox, "properties": {}},
    }
    return geo, place


def make_medium(rng: Random, kind: str) -> Json:
    """Return a photo or a video, by `kind`."""
    wide, high = rng.choice(vocabulary.PICTURE_SIZES)
    number = rng.randrange(1 << 59, 1 << 60)
    picture = f"https://pbs.twimg.com/media/E{rng.randrange(1 << 48):014x}.jpg"
    size: Json = {"height": high, "width": wide}
    if kind == "photo":
        return {"media_key": f"3_{number}", "type": kind, "url": picture, **size}
    views: Json = {"view_count": rng.randrange(90_000)}
    clip: Json = {"duration_ms": rng.randrange(3_000, 140_000), "preview_image_url": picture}
    video: Json = {"media_key": f"7_{number}", "type": kind, **size, **clip}
    return {**video, "public_metrics": views, "variants": video_variants(number, "bit_rate")}


def make_poll(rng: Random, end: datetime) -> Json:
    """Return a poll that is open until `end`."""
    labels = rng.sample(vocabulary.POLL_ANSWERS, rng.randint(2, 4))
    options = [{"position": n, "label": x, "votes": 0} for n, x in enumerate(labels, 1)]
    poll: Json = {"id": str(rng.randrange(1 << 59, 1 << 60)), "options": options}
    times: Json = {"duration_minutes": 1440, "end_datetime": iso(end), "voting_status": "open"}
    return {**poll, **times}


def make_annotations(rng: Random) -> list[Json]:
    """Return what X thinks that a post is about: pairs of a domain and an entity, seldom many."""
    count = int(rng.paretovariate(ANNOTATED) - FEW)
    text = "Top level entities that group interests and subjects within a vertical"
    return [
        {
            "domain": {"id": number, "name": domain, "description": text},
            "entity": {"id": str(rng.randrange(1 << 60)), "name": entity},
        }
        for number, domain, entity in rng.choices(TOPICS, k=max(0, min(count, MOST_ANNOTATED)))
    ]
