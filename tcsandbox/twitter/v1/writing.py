"""The pieces of a v1.1 post's text, and how v1.1 describes their entities.  Knows no time."""

from random import Random

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import CODE, Json, Text
from tcsandbox.twitter.common.writing import add_piece, video_variants

KINDS = ("hashtags", "urls", "user_mentions", "symbols")
NAMES = {"hashtag": "hashtags", "mention": "user_mentions", "cashtag": "symbols"}


def entity_members(text: Text) -> Json:
    """Return `entities` and, if there are media, `extended_entities`, which has all of theirs."""
    found: dict[str, list[Json]] = {kind: [] for kind in KINDS}
    for kind, start, end, members in text.at:
        indices = {} if kind == "polls" else {"indices": [start, end]}
        still = {k: v for k, v in members.items() if k != "video_info"}
        if kind in ("hashtag", "cashtag"):
            still = {"text": members["name"]}
        elif kind == "mention":
            still = {**members, "id_str": str(members["id"])}
        found.setdefault(NAMES.get(kind, kind), []).append({**still, **indices})
    media = [
        {**m, "type": "video" if "video_info" in m else "photo", "indices": [start, end]}
        for kind, start, end, m in text.at
        if kind == "media"
    ]
    return {"entities": found, **({"extended_entities": {"media": media}} if media else {})}


def add_term(text: Text, term: str, rng: Random) -> None:
    """Put the words of a track term into `text`, in any order, as the entities they look like."""
    words = term.split()
    rng.shuffle(words)
    for word in words:
        tagged = word.isalnum() and rng.random() < 0.25
        add_piece(text, f"#{word}" if tagged else word, rng)
        if len(words) > 1 and rng.random() < 0.3:
            text.add(rng.choice(("and", "–", "meets", "🤝")))


def add_picture(text: Text, rng: Random) -> None:
    """Add a photo or, one time in three, a video; v1.1 hangs both on a link at the end."""
    media_id = rng.randrange(1 << 59, 1 << 60)
    folder = f"://pbs.twimg.com/media/E{rng.randrange(1 << 48):014x}.jpg"
    members: Json = {
        "id": media_id,
        "id_str": str(media_id),
        "media_url": f"http{folder}",
        "media_url_https": f"https{folder}",
        "url": f"https://t.co/{CODE}",
        "display_url": f"pic.twitter.com/{CODE}",
        "expanded_url": f"https://twitter.com/someone/status/{media_id + 4096}/photo/1",
        "type": "photo",
        "sizes": _sizes(rng),
    }
    if rng.random() < 1 / 3:
        members["video_info"] = _video(media_id, rng)
    text.add(f"https://t.co/{CODE}", "media", **members)


def add_poll(text: Text, end: str, rng: Random) -> None:
    """Add a question with two to four answers, open until `end`; a poll has no indices."""
    text.add("What do you think? 🗳️")
    answers = rng.sample(vocabulary.POLL_ANSWERS, rng.randint(2, 4))
    options = [{"position": n, "text": answer} for n, answer in enumerate(answers, 1)]
    members: Json = {"options": options, "end_datetime": end, "duration_minutes": 1440}
    text.at.append(("polls", 0, 0, members))


def _sizes(rng: Random) -> Json:
    wide, high = rng.choice(vocabulary.PICTURE_SIZES)
    sizes: Json = {"thumb": {"w": 150, "h": 150, "resize": "crop"}}
    for name, share in (("small", 0.35), ("medium", 0.6), ("large", 1.0)):
        sizes[name] = {"w": int(wide * share), "h": int(high * share), "resize": "fit"}
    return sizes


def _video(media_id: int, rng: Random) -> Json:
    duration, variants = rng.randrange(3_000, 140_000), video_variants(media_id, "bitrate")
    return {"aspect_ratio": [16, 9], "duration_millis": duration, "variants": variants}
