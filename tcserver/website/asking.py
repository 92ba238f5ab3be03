"""Who asks for a page, and the pages for what is not there or not allowed."""

from collections.abc import Callable
from datetime import datetime
from functools import update_wrapper
from typing import Concatenate, ParamSpec, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone

from tcserver.captures.models import CaptureRecord
from tcserver.history.acts import Act, Party
from tcserver.middleware import REQUEST
from tcserver.people.askers import Forbidden, NotFound, Person, person_of
from tcserver.people.models import User

P = ParamSpec("P")


def act_by(user: User, request: HttpRequest, now: datetime) -> Act:
    """Return a deed of a person's that a request asks for."""
    return Act(Party.PERSON, user.pk, user.username, now, request.META[REQUEST])


class Visit:
    """A request for a page by a person who has logged in."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = cast(User, request.user)
        self.person: Person = person_of(self.user)
        self.now = timezone.now()

    @property
    def act(self) -> Act:
        """The deed that is asked for."""
        return act_by(self.user, self.request, self.now)

    def posted(self) -> QueryDict | None:
        """Return what a form has sent, None where it is only asked for."""
        return self.request.POST if self.request.method == "POST" else None

    def capture(self, number: int) -> CaptureRecord:
        """Return a capture that the person may see.  Raises NotFound."""
        rows = CaptureRecord.objects.select_related(
            "client", "project", "created_by", "changed_by", "archived_by"
        )
        found = rows.filter(pk=number, deleted_at=None).first()
        if found is None or not self.person.sees(found.project_id):
            raise NotFound
        return found

    def changeable(self, number: int) -> CaptureRecord:
        """Return a capture that the person may change.  Raises NotFound and Forbidden."""
        found = self.capture(number)
        self.person.must_change(found.project_id)
        return found


def page(
    view: Callable[Concatenate[Visit, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Return the view of a page: it is given the visit, and its refusals become pages."""

    def visited(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(Visit(request), *args, **kwargs)
        except NotFound:
            raise Http404 from None
        except Forbidden:
            raise PermissionDenied from None

    return update_wrapper(visited, view)
