"""What posts cost: on the page of a capture, and on those of clients."""

from typing import Any

from django.utils import timezone
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.reports import Host
from tcserver.accounts.series import month_of, posts_of_clients, posts_of_month
from tcserver.accounts.services.counts import LARGEST, add_counts
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.assign import assign
from tcserver.fleet.models import Client
from tcserver.fleet.services.clients import create_client, retire
from tcserver.fleet.services.contact import host
from tcserver.history.acts import by_server
from tcserver.website.spend import cost, price_words, spend_words
from tests.tcserver.test_hostile import HostileCase
from tests.tcserver.test_website import PageCase

DAY = 86_400


class CostTests(SynchronousTestCase):
    def test_so_many_posts(self) -> None:
        """By cents, rounded as people do it; what is less than one is not nothing."""
        for posts, price, said in (
            (12_345, 0.005, "about US$61.73"),
            (0, 0.005, "about US$0.00"),
            (-7, 0.005, "about US$0.00"),
            (1, 0.005, "less than US$0.01"),
            (2, 0.005, "about US$0.01"),
            (3_000_000, 0.005, "about US$15,000.00"),
            (LARGEST, 1000.0, "about US$9,223,372,036,854,775,807,000.00"),
        ):
            self.assertEqual(cost(posts, price), said)

    def test_a_price(self) -> None:
        """With its digits, never with an exponent."""
        for price, said in ((0.005, "US$0.005"), (1e-6, "US$0.000001"), (1000.0, "US$1000")):
            self.assertEqual(price_words(price), said)

    def test_why_it_is_not_known(self) -> None:
        for client, why in (
            (None, "no client has it that could tell what a post costs"),
            (Client(name="lab-1"), "lab-1 does not tell what a post costs"),
        ):
            self.assertEqual(spend_words(client, 5, 5).why, why)


class SpendCase(PageCase):
    """client1 says what a post costs, and demo has had 12,345 this month."""

    def setUp(self) -> None:
        super().setUp()
        self.tell(post_price=0.005)
        begin = int(month_of(timezone.now()).timestamp())
        add_counts({(self.world.demo.pk, begin): 12_345, (self.world.demo.pk, begin - 1): 7})
        CaptureRecord.objects.filter(pk=self.world.demo.pk).update(counted=1_000_000)

    def tell(self, **members: Any) -> None:
        """client1 tells how its machine is."""
        host(self.world.client.pk, Host(**members), timezone.now())


class CapturePageTests(SpendCase):
    def test_what_it_spends(self) -> None:
        """With what that is made of, in words; and what all of its posts would cost."""
        page = self.get(self.demo)
        self.assertIn(
            "12,345 posts this month (UTC) at client1's price of US$0.005 are about US$61.73; "
            "all 1,000,000 would be about US$5,000.00. X",
            page,
        )
        self.assertNotIn("Another client", page)

    def test_a_client_that_knows_no_price(self) -> None:
        """As one of v1.1, or of another maker: nothing is made up."""
        self.tell(version="1.0.0")
        page = self.get(self.demo)
        self.assertIn("not known <small>client1 does not tell what a post costs", page)
        self.assertIn("That is not known: client1 does not tell what a post costs.", page)
        self.assertNotIn("US$", page)

    def test_one_that_nobody_has(self) -> None:
        assign(self.world.demo.pk, None, self.world.act(self.world.rita))
        self.assertIn("no client has it that could tell", self.get(self.demo))

    def test_one_that_another_client_had(self) -> None:
        """Which of the posts cost how much is not known, and that is said."""
        act = by_server(timezone.now())
        other = create_client("lab-2", [self.world.project.pk], act).pk
        assign(self.world.bare.pk, None, act)
        assign(self.world.bare.pk, self.world.client.pk, by_server(month_of(timezone.now())))
        self.assertIn("Another client had it this month", self.get(f"/captures/{self.bare}/"))
        host(other, Host(post_price=0.25), timezone.now())
        assign(self.world.demo.pk, other, act)
        page = self.get(self.demo)
        self.assertIn("price of US$0.25 are about US$3,086.25;", page)
        self.assertIn("Another client had it this month", page)

    @property
    def bare(self) -> int:
        """The number of the capture bare."""
        return int(self.world.bare.pk)


class ClientPageTests(SpendCase):
    def test_what_its_limits_cost(self) -> None:
        """X's count beside that of captures, as it is an hour old; a client's own stands alone."""
        for name, also in (("plan", True), ("day", True), ("month", False)):
            limit = {name: {"spent": 84_000, "limit": 3_000_000}}
            self.tell(post_price=0.005, budget=limit)
            for path in ("/clients/", self.lab):
                page = self.get(path)
                self.assertIn("84,000 of 3,000,000 posts", page)
                self.assertIn("about US$420.00", page)
                self.assertEqual("About US$61.73" in page, also, name)
        self.assertIn("At US$0.005 a post", self.get(self.lab))

    def test_without_limits(self) -> None:
        """What its captures have got, as far as one may see them; also what is archived."""
        CaptureRecord.objects.update(archived_at=timezone.now())
        self.client_serves_both()
        for person, said, posts in (
            (self.world.admin, "About US$61.73", "12,345 posts"),
            (self.world.otto, "About US$0.00", "0 posts"),
        ):
            self.browser = self.world.browser(person)
            for path in ("/clients/", self.lab):
                page = self.get(path)
                self.assertIn(said, page)
                self.assertIn(
                    f'<span class="reason">{posts} of its captures this month (UTC)', page
                )

    def client_serves_both(self) -> None:
        """client1 serves otto's project, too."""
        self.world.client.projects.add(self.world.other)

    def test_a_client_that_knows_no_price(self) -> None:
        """Its limits are told in posts alone, and without any nothing is said."""
        self.tell(budget={"month": {"spent": 5, "limit": 10}})
        self.assertIn("5 of 10 posts", self.get("/clients/"))
        self.tell()
        for path in ("/clients/", self.lab):
            self.assertNotIn("US$", self.get(path))

    def test_one_that_is_retired(self) -> None:
        """What it has spent stays."""
        retire(self.world.client.pk, by_server(timezone.now()))
        self.assertIn("about US$61.73", self.get(self.demo))


class HostileSpendTests(HostileCase):
    def test_prices_that_are_none(self) -> None:
        """They are refused with all that comes with them."""
        for price, status in (
            (0.005, 204),
            (1000, 204),
            (0, 400),
            (-1, 400),
            (1e-300, 400),
            (1e300, 400),
            ("0.005", 400),
            (True, 400),
        ):
            got = self.send("PUT", "/api/host/", {"post_price": price})
            self.assertEqual(got.status_code, status, price)
        self.assertEqual(Client.objects.get(pk=self.world.client.pk).post_price, 1000.0)

    def test_more_posts_than_can_be_added_up(self) -> None:
        """Pages stand, and say some large number."""
        now = timezone.now()
        begin = int(month_of(now).timestamp())
        add_counts({(self.demo, begin + day * DAY): LARGEST for day in range(5)})
        self.assertGreater(posts_of_month(self.demo, now), LARGEST)
        seen = CaptureRecord.objects.all()
        self.assertGreater(posts_of_clients(seen, now)[self.world.client.pk], LARGEST)
        told = {"post_price": 1000, "budget": {"day": {"spent": LARGEST, "limit": 1}}}
        for members in (told, {"post_price": 1000}):
            self.assertEqual(self.send("PUT", "/api/host/", members).status_code, 204)
            self.pages_stand()
