"""The simulated posts: what they match, what is in them and how they are encoded."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from txtwitter import messagetools

from tcsandbox.twitter.common.ids import Ids
from tcsandbox.twitter.common.text import unescape
from tcsandbox.twitter.v1.filters import Filter, LocationBox
from tcsandbox.twitter.v1.posts import V1PostSource

NOW = 1_449_086_690.724  # Wed Dec 02 20:04:50 2015 UTC
TERMS = ("obama", "foo bar", "#été", "@who", "$TWTR", "100%", "日本")
BOXES = (LocationBox(-10.0, 50.0, 2.0, 60.0), LocationBox(100.0, -30.0, 100.1, -29.9))

Post = dict[str, Any]


def take(count: int, wanted: Filter | None = None, seed: int = 1) -> list[bytes]:
    """`count` posts, taken by tens so that every template gets written."""
    source = V1PostSource(wanted or Filter(track=TERMS), Ids(), Random(seed))
    return [post for _ in range(count // 10) for post in source.take(10, NOW)[0]]


@cache
def many() -> tuple[list[bytes], list[Post]]:
    """What several tests look at: lines, and what is in them."""
    lines = take(2_000)
    return lines, [json.loads(line) for line in lines]


def with_nested(post: Post) -> Iterator[Post]:
    """`post` and the statuses in it."""
    yield post
    for name in ("retweeted_status", "quoted_status"):
        if name in post:
            yield from with_nested(post[name])


def texts(post: Post) -> Iterator[tuple[str, Post]]:
    """Each text of `post` with the object that has its entities."""
    for status in with_nested(post):
        yield status["text"], status
        if "extended_tweet" in status:
            yield status["extended_tweet"]["full_text"], status["extended_tweet"]


def full_text(post: Post) -> str:
    """What Twitter would match a track term against, nested texts included."""
    return " ".join(text for text, _ in texts(post)).casefold()


def inside(post: Post, box: LocationBox) -> bool:
    """Whether the point or, without one, the place of `post` is in `box`."""
    if post["coordinates"]:
        points = [post["coordinates"]["coordinates"]]
    else:
        points = post["place"]["bounding_box"]["coordinates"][0]
    return all(box.west <= lon <= box.east and box.south <= lat <= box.north for lon, lat in points)


class MatchTests(SynchronousTestCase):
    """A post is there because somebody asked for it."""

    def test_each_post_has_the_words_of_a_term(self) -> None:
        """The words of one term, in any order, stand in the texts; every term gets its posts."""
        matched: Counter[str] = Counter()
        for line in take(2_000):
            text = full_text(json.loads(line))
            found = [t for t in TERMS if all(word in text for word in t.casefold().split())]
            self.assertTrue(found, text)
            matched.update(found)
        self.assertEqual(set(matched), set(TERMS))

    def test_each_post_lies_in_a_box(self) -> None:
        """Each is inside one of the boxes, and none of them is a retweet."""
        used = set()
        for line in take(500, Filter(locations=BOXES)):
            post = json.loads(line)
            self.assertNotIn("retweeted_status", post)
            homes = [box for box in BOXES if inside(post, box)]
            self.assertEqual(len(homes), 1)
            used.update(homes)
        self.assertEqual(used, set(BOXES))

    def test_terms_and_boxes_are_alternatives(self) -> None:
        """With both, a post matches the one or the other."""
        posts = [json.loads(p) for p in take(500, Filter(("obama",), locations=BOXES[:1]))]
        in_box = [post for post in posts if post["place"]]
        elsewhere = [post for post in posts if not post["place"]]
        self.assertTrue(in_box)
        self.assertTrue(elsewhere)
        self.assertTrue(all("obama" in full_text(post) for post in elsewhere))

    def test_followed_users_write(self) -> None:
        """With `follow`, the authors are the followed."""
        posts = take(200, Filter(follow=(12, 34)))
        self.assertEqual({json.loads(post)["user"]["id"] for post in posts}, {12, 34})

    @settings(max_examples=60, deadline=None)
    @given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=15))
    def test_any_term(self, term: str) -> None:
        """No term, whatever its characters, breaks the encoding or gets lost in it."""
        source = V1PostSource(Filter(track=(term,)), Ids(), Random(7))
        for line in source.take(20, NOW)[0]:
            text = full_text(json.loads(line))
            for word in term.split():
                self.assertIn(word.casefold(), text)


class ContentTests(SynchronousTestCase):
    """Posts are varied, and shaped as v1.1's."""

    def setUp(self) -> None:
        self.lines, self.posts = many()

    def test_they_are_tweets(self) -> None:
        """txTwitter takes each for a tweet."""
        self.assertTrue(all(messagetools.is_tweet(post) for post in self.posts))

    def test_sizes(self) -> None:
        """Most have 2 to 6 kB, about 3.7 on the average; about one in 200 is over 16 kB."""
        sizes = sorted(len(line) for line in self.lines)
        self.assertGreater(sizes[0], 1_800)
        self.assertLess(sizes[len(sizes) * 9 // 10], 7_000)
        self.assertTrue(3_200 < sum(sizes) / len(sizes) < 4_500)
        large = sum(size > 16_384 for size in sizes)
        self.assertTrue(len(sizes) / 500 < large < len(sizes) / 80, large)

    def test_every_kind_occurs(self) -> None:
        """Retweets, quotes, replies, extended tweets, videos and all kinds of entities."""
        seen: set[str] = set()
        for post in self.posts:
            seen.update(key for key, value in post.items() if value)
            for _, holder in texts(post):
                seen.update(kind for kind, found in holder["entities"].items() if found)
                for medium in holder.get("extended_entities", {}).get("media", []):
                    seen.add(medium["type"])
        for kind in (
            *("retweeted_status", "quoted_status", "extended_tweet", "in_reply_to_status_id"),
            *("hashtags", "urls", "user_mentions", "symbols", "media", "polls"),
            *("photo", "video"),
        ):
            self.assertIn(kind, seen)

    def test_indices_count_code_points(self) -> None:
        """An entity's indices delimit, in its text, what the entity says."""
        says = {
            "hashtags": lambda e: e["text"],
            "symbols": lambda e: e["text"],
            "user_mentions": lambda e: e["screen_name"],
            "urls": lambda e: e["url"],
            "media": lambda e: e["url"],
        }
        for post in self.posts[:1_000]:
            for text, holder in texts(post):
                for kind, say in says.items():
                    for entity in holder["entities"].get(kind, []):
                        start, end = entity["indices"]
                        self.assertEqual(text[start:end].lstrip("#@$＃"), say(entity))

    def test_a_long_text_is_cut(self) -> None:
        """`text` has at most 140 characters; the whole of a longer one is in extended_tweet."""
        for post in self.posts:
            for status in with_nested(post):
                self.assertLessEqual(len(status["text"]), 140)
                self.assertEqual(status["truncated"], "extended_tweet" in status)

    def test_text_beyond_the_first_plane(self) -> None:
        """Characters outside the BMP arrive whole, as pairs of escapes."""
        self.assertTrue(any("😂" in post["text"] for post in self.posts))
        self.assertTrue(any(rb"\ud83d\ude02" in line for line in self.lines))

    def test_encoding(self) -> None:
        """ASCII, `/`, `<` and `>` escaped as X does, one CRLF and that at the end."""
        for line in self.lines:
            self.assertTrue(line.isascii())
            self.assertTrue(line.endswith(b"}\r\n"))
            self.assertEqual(line.count(b"\r") + line.count(b"\n"), 2)
        whole = b"".join(self.lines)
        self.assertIn(rb'"source":"\u003ca href=\"http:\/\/', whole)
        self.assertNotIn(b"<", whole)
        self.assertEqual(whole.count(b"/"), whole.count(b"\\/"))

    def test_unescaped(self) -> None:
        """The same post in UTF-8 says the same."""
        line = next(line for line in self.lines if rb"\ud83d" in line)
        self.assertFalse(unescape(line).isascii())
        self.assertEqual(json.loads(unescape(line)), json.loads(line))


class StampTests(SynchronousTestCase):
    """Ids and times."""

    def test_time_comes_from_the_caller(self) -> None:
        """`created_at`, `timestamp_ms` and the id's upper bits tell the given time."""
        post = json.loads(take(10)[0])
        self.assertEqual(post["created_at"], "Wed Dec 02 20:04:50 +0000 2015")
        self.assertEqual(post["timestamp_ms"], "1449086690724")
        self.assertEqual((post["id"] >> 22) + 1_288_834_974_657, 1_449_086_690_724)
        self.assertEqual(post["id_str"], str(post["id"]))

    def test_the_returned_ids_are_those_in_the_posts(self) -> None:
        """In the same order."""
        posts, ids = V1PostSource(Filter(), Ids(), Random(1)).take(50, NOW)
        self.assertEqual([json.loads(post)["id"] for post in posts], list(ids))

    def test_ids_increase_whatever_the_clock_does(self) -> None:
        """Also within one millisecond, across sources, and when the clock steps back."""
        ids = Ids()
        one, other = (V1PostSource(Filter(), ids, Random(n)) for n in range(2))
        given = [
            post_id
            for now in (0.0, NOW, NOW, NOW - 60)
            for source in (one, other)
            for post_id in source.take(100, now)[1]
        ]
        self.assertEqual(given, sorted(set(given)))
        self.assertEqual(len(given), 800)

    def test_the_seed_decides(self) -> None:
        """The same seed gives the same posts, another one others."""
        self.assertEqual(take(50, seed=3), take(50, seed=3))
        self.assertNotEqual(take(50, seed=3), take(50, seed=4))
