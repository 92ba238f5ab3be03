"""A small world for tests: a project with its people, a client with its token, two captures."""

from datetime import UTC, datetime, timedelta

from django.test import Client as Browser

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Client
from tcserver.fleet.services.clients import create_client
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import Act, Party, by_server
from tcserver.people.models import Project, Role, User
from tcserver.people.services.first import first_start
from tcserver.people.services.keys import issue_key
from tcserver.people.services.people import create_person, give_role

START = datetime(2026, 6, 1, 10, 0, 0, 250000, tzinfo=UTC)
PASSWORD = "correct horse"


class World:
    """
    Project "Captures" with the administrator admin, researcher rita and viewer vera; project
    "Other" with the researcher otto; client1 with its token serves the first, client2 the other.
    """

    def __init__(self) -> None:
        act = by_server(START)
        first_start(PASSWORD, act)
        self.project = Project.objects.get()
        self.other = Project.objects.create(name="Other", created_at=START)
        self.admin = User.objects.get(username="admin")
        self.rita = self.person("rita", self.project, Role.RESEARCHER)
        self.vera = self.person("vera", self.project, Role.VIEWER)
        self.otto = self.person("otto", self.other, Role.RESEARCHER)
        self.client = create_client("client1", [self.project.pk], act)
        self.stranger = create_client("client2", [self.other.pk], act)
        self.token = issue(self.client.pk, act)
        self.strange_token = issue(self.stranger.pk, act)
        self.demo = self.capture("demo", "cats, dogs")
        self.bare = self.capture("bare", None)

    def person(self, name: str, project: Project, role: Role) -> User:
        """A person with a role in a project."""
        person = create_person(name, PASSWORD, by_server(START))
        give_role(person, project.pk, role, by_server(START))
        return person

    def capture(
        self,
        name: str,
        keywords: str | None = None,
        client: Client | None = None,
        wanted: Wanted = Wanted.RUN,
    ) -> CaptureRecord:
        """A capture of the first project, made by rita, which is client1's and wanted to run."""
        number = (client or self.client).pk
        new = NewCapture(self.project.pk, name, keywords, client=number, wanted=wanted)
        return create(new, self.act(self.rita))

    def act(self, person: User, seconds: float = 0) -> Act:
        """A deed of a person's, so many seconds after START."""
        at = START + timedelta(seconds=seconds)
        return Act(Party.PERSON, person.pk, person.username, at)

    def now(self, capture: CaptureRecord) -> CaptureRecord:
        """The capture as the database has it."""
        return CaptureRecord.objects.get(pk=capture.pk)

    def key(self, person: User, *, may_write: bool = True) -> str:
        """A key of a person's scripts."""
        return issue_key(person, "script", self.act(person), may_write=may_write)

    def browser(self, person: User | None) -> Browser:
        """A browser in which a person has logged in."""
        browser = Browser(enforce_csrf_checks=True)
        if person is not None:
            browser.force_login(person)
        return browser
