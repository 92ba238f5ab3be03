"""The pieces of a post that both APIs have: words, entities, links, videos and places."""

from random import Random

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import CODE, Json, Text

Corners = tuple[float, float, float, float]  # west, south, east, north
MICRO = 6  # decimals of a degree


def add_piece(text: Text, piece: str, rng: Random) -> None:
    """Add `piece` as the entity that it looks like: a #hashtag, a @mention, a $cashtag or none."""
    sign, name = piece[0], piece[1:]
    if sign in "#＃" and name:
        text.add(piece, "hashtag", name=name)
    elif sign == "@" and name:
        add_mention(text, name, name, rng.randrange(1 << 33))
    elif sign == "$" and name.isalpha():
        text.add(piece, "cashtag", name=name)
    else:
        text.add(piece)


def add_sentence(text: Text, rng: Random) -> None:
    """Add something that somebody might say."""
    text.add(rng.choice(vocabulary.SENTENCES)[1])


def add_anything(text: Text, rng: Random) -> None:
    """Add a sentence or, every other time, an entity."""
    draw = rng.random()
    if draw < 0.5:
        add_sentence(text, rng)
    elif draw < 0.7:
        add_piece(text, f"#{rng.choice(vocabulary.HASHTAGS)}", rng)
    elif draw < 0.9:
        name, screen_name = rng.choice(vocabulary.NAMES)
        add_mention(text, screen_name, name, rng.randrange(1 << 33))
    else:
        add_piece(text, f"${rng.choice(vocabulary.SYMBOLS)}", rng)


def add_mention(text: Text, screen_name: str, name: str, user_id: int) -> None:
    """Add `@screen_name` to `text`, as a mention of that user."""
    text.add(f"@{screen_name}", "mention", screen_name=screen_name, name=name, id=user_id)


def add_link(text: Text, expanded: str, display: str, **more: object) -> None:
    """Add a t.co link that leads to `expanded` and is shown as `display`."""
    url = f"https://t.co/{CODE}"
    text.add(url, "urls", url=url, expanded_url=expanded, display_url=display, **more)


def video_variants(number: int, rate_name: str) -> list[Json]:
    """Return where a video can be had; `rate_name` is what the API calls the bits a second."""
    base = f"https://video.twimg.com/ext_tw_video/{number}/pu/"
    variants: list[Json] = [
        {"content_type": "application/x-mpegURL", "url": f"{base}pl/{number:x}.m3u8?tag=12"}
    ]
    for size, rate in (("480x270", 256_000), ("640x360", 832_000), ("1280x720", 2_176_000)):
        url = f"{base}vid/{size}/{number:x}.mp4?tag=12"
        variants.append({rate_name: rate, "content_type": "video/mp4", "url": url})
    return variants


def part_of(box: Corners, rng: Random) -> Corners:
    """Return a box inside `box`."""
    west, east = sorted(some_degree(box[0], box[2], rng) for _ in range(2))
    south, north = sorted(some_degree(box[1], box[3], rng) for _ in range(2))
    return west, south, east, north


def some_degree(low: float, high: float, rng: Random) -> float:
    """Return a number between the two, as exact as coordinates are given."""
    return round(rng.uniform(low, high), MICRO)
