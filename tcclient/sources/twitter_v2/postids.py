"""How the id of a stored post of v2 is found: as that of a message of the stream.  Pure."""

from tcclient.sources.twitter.ids import SnowflakeIds
from tcclient.sources.twitter_v2.envelopes import NotJSON, Other, Post, read_whole
from tcclient.storage.postids import NotAnObject


class EnvelopeIds(SnowflakeIds):
    """Finds the ids of v2's posts."""

    def find(self, line: bytes) -> str | None:
        """
        Return the id in a line; None if it is no post.  Raises NotAnObject for a line that is no
        JSON object: each byte of it is looked at.
        """
        message = read_whole(line)
        if isinstance(message, Post):
            return message.id
        is_object = not isinstance(message, Other) or isinstance(message.message, dict)
        if isinstance(message, NotJSON) or not is_object:
            raise NotAnObject
        return None


POST_IDS = EnvelopeIds()
