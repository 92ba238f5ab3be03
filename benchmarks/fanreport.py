"""What a fleet's states cost and how late pages had them, and the tables that say so."""

import statistics
from collections.abc import Iterator, Sequence

import attrs

from benchmarks.fleetsite import database_cpu
from benchmarks.lag import percentile
from benchmarks.livesite import LiveServer
from benchmarks.measuring import cpu
from benchmarks.table import spread


@attrs.frozen
class Spent:
    """Seconds of CPU: of the servers, and of PostgreSQL."""

    servers: float
    database: float

    @classmethod
    def now(cls, servers: Sequence[LiveServer]) -> "Spent":
        """Return what was spent so far."""
        return cls(sum(cpu(one.pid) for one in servers), database_cpu())

    def since(self, before: "Spent", idle: "Spent", seconds: float, states: int) -> "Spent":
        """Return the milliseconds for each of so many states, without what idling takes."""
        pairs = zip(attrs.astuple(self), attrs.astuple(before), attrs.astuple(idle), strict=True)
        return Spent(*((now - then - rest * seconds) / states * 1e3 for now, then, rest in pairs))


@attrs.define
class Fanout:
    """
    Seconds until pages had states; CPU in ms a state by either way, and in shares of a core idle;
    resident memory of both servers in MiB; states that did not go by the channel, and bytes of
    ledgers that were not acknowledged in the end.
    """

    late: list[float] = attrs.Factory(list)
    push: list[Spent] = attrs.Factory(list)
    rest: list[Spent] = attrs.Factory(list)
    idle: list[Spent] = attrs.Factory(list)
    rss: list[float] = attrs.Factory(list)
    states: int = 0
    not_carried: int = 0
    unacknowledged: int = 0


@attrs.define
class Reconnects:
    """
    Of a restart: seconds until all were up, the most handshakes in one second, and of REST
    meanwhile.
    """

    clients: int = 0
    seconds: float = 0.0
    most: int = 0
    rest: list[float] = attrs.Factory(list)
    errors: list[str] = attrs.Factory(list)


def fan_report(fan: Fanout) -> Iterator[str]:
    """Yield the lines of a table."""
    yield "| states | seen | p50 ms | p99 ms | most ms | CPU ms a state | by REST | ratio |"
    yield "| --- " * 8 + "|"
    most = [percentile(fan.late, share) * 1e3 for share in (0.5, 0.99, 1.0)]
    push, rest = [one.servers for one in fan.push], [one.servers for one in fan.rest]
    ratio = statistics.median(push) / statistics.median(rest)
    yield (
        f"| {fan.states:,} | {len(fan.late):,} | {' | '.join(f'{one:.0f}' for one in most)} | "
        f"{spread(push, '.3f')} | {spread(rest, '.3f')} | {ratio:.2f} |"
    )
    of_it = spread((one.database for one in fan.push), ".3f")
    of_rest = spread((one.database for one in fan.rest), ".3f")
    idle = spread((one.servers for one in fan.idle), ".1%")
    yield f"\nPostgreSQL: {of_it} ms a state, {of_rest} by REST.  Idle: {idle} of a core."
    yield f"Resident MiB of both servers, in turn: {', '.join(f'{one:.0f}' for one in fan.rss)}."
    yield f"Not carried: {fan.not_carried}; not acknowledged: {fan.unacknowledged} bytes."


def reconnect_report(back: Reconnects) -> Iterator[str]:
    """Yield the lines of a table."""
    yield "\n| clients | all back s | most in a second | REST asked | p50 ms | p99 ms | errors |"
    yield "| --- " * 7 + "|"
    p50, p99 = (percentile(back.rest, share) * 1e3 for share in (0.5, 0.99))
    yield (
        f"| {back.clients} | {back.seconds:.1f} | {back.most} | {len(back.rest)} | {p50:.0f} | "
        f"{p99:.0f} | {len(back.errors)} {'; '.join(sorted({*back.errors}))} |"
    )
