"""How many bytes posts have, so that it can be seen in a file's length which of them are there."""

import functools
from collections.abc import Sequence

from benchmarks.posts import jobs_of, v1_posts, v2_posts

SENT_END, STORED_END = 2, 1
"""Of a line: CRLF, and what the client makes of it."""


def sizes(api: str, posts: int, tags: Sequence[str]) -> Sequence[int]:
    """Of each post, without its line end."""
    return _sizes(api, posts, tuple(tags))


def sent_size(api: str, posts: int, tags: Sequence[str]) -> int:
    """Of so many posts in the stream."""
    return sum(sizes(api, posts, tags)) + SENT_END * posts


def stored_size(api: str, posts: int, tags: Sequence[str]) -> int:
    """Of the client's files, all captures together."""
    copies = [1] * posts if api == "v1.1" else [len(jobs_of(number)) for number in range(posts)]
    pairs = zip(sizes(api, posts, tags), copies, strict=True)
    return sum((size + STORED_END) * times for size, times in pairs)


@functools.lru_cache(maxsize=8)
def _sizes(api: str, posts: int, tags: tuple[str, ...]) -> Sequence[int]:
    some = v1_posts(posts) if api == "v1.1" else v2_posts(posts, tags)
    return [len(post) - SENT_END for post in some]
