"""Who Twitter is: a name that does not resolve, certificates that prove nothing."""

from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import deferLater

from tests.certificates import BAD, CA, GOOD, Certified
from tests.faults.commands import Terms
from tests.faults.link import Link
from tests.faults.private import needed, with_mounts
from tests.faults.proxy import HOST
from tests.faults.scenario import Scenario
from tests.faults.world import World

NAME = "stream.invalid"


async def own_names(world: World) -> None:
    """The client resolves names by a file of ours, and by nothing else."""
    needed()
    (world.folder / "hosts").write_text(f"{HOST} {NAME}\n")
    (world.folder / "resolv.conf").write_text(f"nameserver {HOST}\n")  # nobody answers there
    world.prefix = with_mounts("--bind hosts /etc/hosts", "--bind resolv.conf /etc/resolv.conf")
    world.twitter_at = f"http://{NAME}"


async def no_such_name(world: World, rounds: int) -> None:
    """Twitter's name resolves no longer, and later does again."""
    hosts = world.folder / "hosts"
    for _ in range(rounds):
        hosts.write_text("")
        world.proxy.each(Link.reset)
        await world.some_time(1.0, 2.0)
        if (await world.state("twitter"))["streams"]:
            raise AssertionError(f"{NAME} was found though it does not resolve.")
        hosts.write_text(f"{HOST} {NAME}\n")
        await world.recovered()


async def own_authority(world: World) -> None:
    """The client trusts a CA of ours, and Twitter shows a certificate by it."""
    (world.folder / "ca.pem").write_bytes(CA.to_pem()[1])
    world.environ = {"SSL_CERT_FILE": str(world.folder / "ca.pem")}
    world.twitter_at = "https://localhost"
    await show(world, GOOD)


async def show(world: World, certified: Certified, *, mute: bool = False) -> None:
    """From now on this is Twitter's certificate; a `mute` one never gets to it."""
    await world.proxy.refuse()
    world.proxy.mute = mute
    world.proxy.tls = PrivateCertificate.loadPEM(b"".join(certified.to_pem())).options()
    world.proxy.listen()


async def bad_certificates(world: World, rounds: int) -> None:
    """Bad ones, and a handshake that never comes; each is refused until there is a good one."""
    for _ in range(rounds):
        for what, certified in BAD.items():
            await show(world, certified)
            await deferLater(reactor, 1.0)
            if (await world.state("twitter"))["streams"]:
                raise AssertionError(f"A certificate was taken that is {what}.")
            await show(world, GOOD)
            await world.recovered()
        await show(world, GOOD, mute=True)
        await deferLater(reactor, 1.0)
        await show(world, GOOD)
        await world.recovered()


DNS = Scenario("DNS failure", no_such_name, Terms(prepare=own_names))
NAMES = (DNS, Scenario("bad TLS", bad_certificates, Terms(api="2", prepare=own_authority)))
