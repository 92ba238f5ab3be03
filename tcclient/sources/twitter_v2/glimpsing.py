"""What people are shown of a post of v2.  Pure."""

from tcclient.control.reports import Glimpse
from tcclient.sources.twitter.glimpsing import members, shown, unread
from tcclient.stream.framing import decoded


def glimpse(line: bytes) -> Glimpse:
    """Return text, author and time of a post, whatever of them it has.  Never raises."""
    message = members(decoded(line))
    post = members(message.get("data"))
    if not post:
        return unread(line)
    long = members(post.get("note_tweet")).get("text")
    author = _name(members(message.get("includes")).get("users"), post.get("author_id"))
    return shown(str(post.get("id")), author, long, post.get("text"))


def _name(users: object, author: object) -> object:
    """Return what the author is called, where the line has that."""
    for one in users if isinstance(users, list) else ():
        user = members(one)
        if author is not None and user.get("id") == author:
            return user.get("username")
    return None
