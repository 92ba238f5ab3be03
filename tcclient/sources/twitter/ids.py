"""
What the ids of Twitter's posts tell, alike in both APIs: when a post was made.  Pure.

Where a post has its id is said by the package of each API.
"""

from tcclient.storage.postids import PostIds

EPOCH = 1_288_834_974.657
"""
Epoch seconds from which ids count: the bits of an id above its lowest 22 are milliseconds since
then.
"""


class SnowflakeIds(PostIds):
    """What both APIs have in common of `PostIds`: the time in an id."""

    def made_at(self, post_id: str) -> float | None:
        return made_at(post_id)


def made_at(post_id: str) -> float | None:
    """
    Return when the post was made, in epoch seconds; None for an id from before November 2010, and
    for what is no id.
    """
    if not post_id.isdecimal() or len(post_id) > 19:
        return None
    milliseconds = int(post_id) >> 22
    return EPOCH + milliseconds / 1000 if milliseconds else None
