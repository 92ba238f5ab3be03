"""Which of the latest posts have come before.  Pure."""

from collections import deque


class Recent:
    """Remembers the latest ids, `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    def is_new(self, post_id: str) -> bool:
        """Return whether the post, which has just come, is new, and remember it."""
        if post_id in self._seen:
            return False
        self._seen.add(post_id)
        self._order.append(post_id)
        if len(self._order) > self._most:
            self._seen.discard(self._order.popleft())
        return True

    def __contains__(self, post_id: str) -> bool:
        return post_id in self._seen

    def forget(self) -> None:
        """Forget all ids."""
        self._seen.clear()
        self._order.clear()
