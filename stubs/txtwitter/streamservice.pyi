from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.iweb import IResponse

class TwitterStreamService(Service):
    RECONNECT_DELAY_INITIAL: float
    RECONNECT_DELAY_RATE_LIMIT: float
    RECONNECT_DELAY_MULTIPLIER: float
    RECONNECT_DELAY_MAX: float
    clock: IReactorTime | None
    reconnect_delay: float
    connect_func: Callable[[], Deferred[IResponse]]
    delegate: Callable[[Any], object]
    def __init__(
        self, connect_func: Callable[[], Deferred[IResponse]], delegate: Callable[[Any], object]
    ) -> None: ...
    def connection_lost(self, reason: Failure) -> None: ...
    def set_connect_callback(self, callback: Callable[[TwitterStreamService], object]) -> None: ...
    def set_disconnect_callback(
        self, callback: Callable[[TwitterStreamService, Failure], object]
    ) -> None: ...
