"""What people are shown of a post of v1.1.  Pure."""

from tcclient.control.reports import Glimpse
from tcclient.sources.twitter.glimpsing import members, shown, unread
from tcclient.stream.framing import decoded


def glimpse(line: bytes) -> Glimpse:
    """Return text, author and time of a post, whatever of them it has.  Never raises."""
    post = members(decoded(line))
    if not post:
        return unread(line)
    extended, user = members(post.get("extended_tweet")), members(post.get("user"))
    texts = (extended.get("full_text"), post.get("full_text"), post.get("text"))
    return shown(str(post.get("id_str", post.get("id"))), user.get("screen_name"), *texts)
