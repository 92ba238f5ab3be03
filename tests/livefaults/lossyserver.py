"""
A capture server whose channel layer loses every other message, by
`python -m tests.livefaults.lossyserver up`; otherwise as `python -m tcserver`.
"""

from itertools import count
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

from tcserver import environment
from tcserver.command import main


class LossyLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # not annotated
    """Says of each second message only that it has sent it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sent = count()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send it, or not."""
        if next(self._sent) % 2:
            await super().group_send(group, message)


def with_losses(redis: str | None, secret: str) -> dict[str, Any]:
    """Return Channels' setting for this layer."""
    return _layer(redis, secret) | {"BACKEND": f"{__package__}.lossyserver.LossyLayer"}


_layer = environment.channel_layer

if __name__ == "__main__":
    environment.channel_layer = with_losses
    main()
