"""
The checks of `twistd tcc --check`: what can be known before a capture is left alone.

Knows the checks and their order; does not know how this machine is asked, which `probes` does, nor
what an answer of the server means, which `verdicts` decides.  Captures nothing, connects to no
stream (that would cost a running client its own), changes no rule, and leaves nothing behind.
"""

import errno
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcclient.check import probes, verdicts
from tcclient.config.settings import Settings
from tcclient.control.answers import ServerError
from tcclient.control.client import ControlServer
from tcclient.logs import observer as logs
from tcclient.runtime.addresses import addresses_of
from tcclient.runtime.cautions import proxies
from tcclient.runtime.failures import explain
from tcclient.runtime.outputs import OutputFailed, checked_output, discard
from tcclient.runtime.plaintext import visible
from tcclient.runtime.reacting import react
from tcclient.runtime.threads import in_threads
from tcclient.runtime.verdicts import Outcome, Verdict, fail, ok, warn
from tcclient.runtime.wallclock import wall_time
from tcclient.sources.source import SourceChecks
from tcclient.storage.room import free_bytes

LIMIT = 15.0
"""Seconds after which a check that has no answer fails."""

_Found = TypeVar("_Found")


def run(
    settings: Settings,
    make_sides: Callable[[Settings, Any], tuple[ControlServer, SourceChecks]],
    environ: Mapping[str, str],
) -> NoReturn:
    """
    Check the settings in a reactor of its own, and print a line for each check.  Raises SystemExit:
    0 if no check fails, 1 if one does, Ctrl-C ends them, or a line cannot be printed.
    """

    async def main(reactor: Any) -> bool:
        checks = Checks(settings, *make_sides(settings, reactor), reactor, environ)
        return await checks.run(_say)

    with checked_output("twistd tcc --check", 1):
        raise SystemExit(0 if react(main, interrupted=False) else 1)


class Checks(Struct, frozen=True, eq=False):
    """
    All checks of one settings file, the capture server and the source.  `limit` is in seconds, for
    each check.
    """

    _settings: Settings
    _control: ControlServer
    _source: SourceChecks
    _reactor: Any
    _environ: Mapping[str, str]
    _limit: float = LIMIT

    async def run(self, say: Callable[[str], None]) -> bool:
        """Call `say` with the line of each check.  Return whether none has failed or raised."""
        secrets = (self._settings.server.auth_token, *self._settings.secrets)
        passed = True
        for subject, check in self._all():
            verdict = await self._bounded(check)
            say(verdicts.line(subject, verdict, secrets))
            passed = passed and verdict.outcome is not Outcome.FAIL
        return passed

    def _all(self) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, Verdict]]]]:
        """Yield the subject of each check, and the check."""
        yield "settings", self.settings_file
        yield "permissions", self.permissions
        yield "logging", self.logging
        if proxies(self._environ):
            yield "proxy", self.proxy
        yield "credentials", self.credentials
        yield "source_addr", self.source_addr
        yield "base_dir", self.base_dir
        yield from self._source.of_this_machine()
        yield "CA store", self.ca_store
        if self._source.address is not None:
            yield "stream host", self.stream_host
        yield from self._source.of_the_network()
        yield "server", self.server

    async def _bounded(self, check: Callable[[], Coroutine[Any, Any, Verdict]]) -> Verdict:
        """Return the verdict of a check; that it failed, if it takes too long or raises."""
        done: Deferred[Verdict] = Deferred.fromCoroutine(check())
        try:
            return await done.addTimeout(self._limit, self._reactor)
        except defer.TimeoutError:
            return fail(f"there was no answer within {self._limit:g} s")
        except Exception:
            return fail(f"this cannot be checked: {explain(Failure())}")

    async def settings_file(self) -> Verdict:
        """Return the doubts about the settings file, which has been loaded by now."""
        slots = verdicts.slots(self._settings.output.minute_interval)
        return verdicts.settings(str(self._settings.path), [*self._source.doubts(), *slots])

    async def permissions(self) -> Verdict:
        """Check who can read the settings file, and the files that it names."""
        return verdicts.permissions(self._settings.exposures(self._environ))

    async def proxy(self) -> Verdict:
        """Name the proxies of the environment, which are not used."""
        return warn(proxies(self._environ))

    async def logging(self) -> Verdict:
        """Configure this process by the section `logging`, but make neither files nor folders."""
        section, folder = self._settings.logging, self._settings.path.parent
        if section is None:
            return ok("no section of that name: twistd's own log is used")
        try:
            warnings = logs.try_out(section, folder)
        except logs.LoggingError as e:
            return fail(str(e))
        for file in probes.unwritable_logs(section, folder):
            return fail(f"{file} cannot be written")
        if warnings:
            return warn(" ".join(warnings))
        return ok("the section can be used")

    async def credentials(self) -> Verdict:
        """Check the shape of the credentials; only the other side knows more about them."""
        token = self._settings.server.auth_token
        return self._source.credentials({"server.auth_token": token})

    async def source_addr(self) -> Verdict:
        """Bind a socket to source_addr, as that of the stream will be."""
        address = self._settings.source_addr
        if address is None:
            return ok("not set: the system chooses one")
        try:
            probes.bind(address)
        except OSError as e:
            absent = e.errno == errno.EADDRNOTAVAIL
            reason = "this machine does not have it" if absent else e.strerror
            return fail(f"{address} cannot be bound: {reason}")
        return ok(f"{address} can be bound")

    async def base_dir(self) -> Verdict:
        """Write in base_dir, in a thread because the file system of a network may hang."""
        folder, least = self._settings.output.base_dir, self._settings.output.min_free_bytes
        try:
            place = await self._in_thread(lambda: probes.write_below(folder))
            free = await self._in_thread(lambda: free_bytes(place))
            daily = await self._in_thread(
                lambda: probes.written_since(folder, wall_time() - 86_400)
            )
        except FileExistsError:
            return fail(f"{folder} cannot be written: there is a file of that name")
        except OSError as e:
            return fail(f"{folder} cannot be written: {e.strerror}")
        return verdicts.base_dir(str(folder), place == folder, free, least, daily)

    async def ca_store(self) -> Verdict:
        """Look for the CA certificates that TLS is verified with, if any address needs them."""
        urls = (self._settings.server.base_url, (self._source.address or ("", ""))[1])
        if not any(url.startswith("https:") for url in urls):
            return ok("not needed: no address begins with https://")
        places = verdicts.ca_places(self._environ, probes.ca_defaults())
        found = next(filter(probes.holds_certificates, places), None)
        return verdicts.ca_store(places, found, self._environ)

    async def stream_host(self) -> Verdict:
        """Look up the host of the stream, without connecting to it."""
        key, url = self._source.address or ("", "")
        addresses = await self._in_thread(lambda: addresses_of(_host(url)))
        return verdicts.stream_host(key, _host(url), addresses, self._settings.source_addr)

    async def server(self) -> Verdict:
        """Ask the capture server for the jobs, as the client will."""
        base_url = self._settings.server.base_url
        # Looked up here, because a silent name server would keep the reactor from ending.
        if not await self._in_thread(lambda: addresses_of(_host(base_url))):
            return fail(f"{base_url}: its name cannot be resolved")
        try:
            answer, client_id = await self._control.active_jobs(), self._settings.server.client_id
            return verdicts.server(base_url, answer, client_id, self._source.keyword_doubts)
        except ServerError as e:
            return fail(f"{base_url}: {e}")

    def _in_thread(self, act: Callable[[], _Found]) -> Awaitable[_Found]:
        """Call `act` in a thread, because what it asks may not answer."""
        return in_threads(self._reactor)(act)


def _say(line: str) -> None:
    """Print a line, unless nobody reads any more, as behind `| head`."""
    try:
        print(visible(line), flush=True)
    except OutputFailed as e:
        if not e.is_closed:
            raise
        discard(sys.stdout)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
