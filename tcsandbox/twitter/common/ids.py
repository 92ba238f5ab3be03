"""Post ids, and the numbers made from them.  Pure; time is a parameter."""

SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
ID_STEP = 1 << 12  # ids of one burst differ in the part that names the machine
CODE_FACTOR = 0x9E3779B1  # spreads the links of neighbouring ids


class Ids:
    """A source of post ids like Twitter's: increasing, with the millisecond in the upper bits."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, milliseconds: int, count: int) -> range:
        """Return `count` new ids of the Unix time `milliseconds`, or of a little later."""
        first = max(self._next, max(milliseconds - SNOWFLAKE_EPOCH_MS, 0) << 22)
        first = max(first, ID_STEP)  # 0 is no id
        self._next = first + count * ID_STEP
        return range(first, self._next, ID_STEP)


def link_code(post_id: int) -> int:
    """Return the number below 2**40 from which the t.co links of the post are made."""
    return (post_id // ID_STEP * CODE_FACTOR) & 0xFFFFFFFFFF
