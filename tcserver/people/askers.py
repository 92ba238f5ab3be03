"""
Who asks, and what they may do in which project.

Knows roles; knows no request.
"""

from collections.abc import Mapping

import attrs

from tcserver.people.models import Membership, Role, User


class NotFound(Exception):
    """Raised where there is no such thing, or none that the asker may know of."""


class Forbidden(Exception):
    """Raised where the asker sees something, and may not do this with it."""


@attrs.frozen
class Person:
    """
    A person who has logged in, or whose key a script has.

    `roles` has the projects that the person is a member of; `may_write` is false for a key that
    only reads.
    """

    id: int
    name: str
    administrator: bool
    roles: Mapping[int, Role]
    may_write: bool = True

    def sees(self, project: int) -> bool:
        """Return whether the person may read what belongs to a project."""
        return self.administrator or project in self.roles

    def changes(self, project: int) -> bool:
        """Return whether the person may make and change captures of a project."""
        return self.may_write and (self.administrator or self.roles.get(project) == Role.RESEARCHER)

    @property
    def administers(self) -> bool:
        """Whether the person may change clients, people and projects."""
        return self.may_write and self.administrator

    def must_change(self, project: int) -> None:
        """Raise NotFound to a stranger, and Forbidden to who only reads."""
        if not self.sees(project):
            raise NotFound
        if not self.changes(project):
            raise Forbidden

    def must_administer(self) -> None:
        """Raise Forbidden to everybody but administrators."""
        if not self.administers:
            raise Forbidden


def person_of(user: User, *, may_write: bool = True) -> Person:
    """Return what a person who can log in may do."""
    rows = Membership.objects.filter(person=user).values_list("project_id", "role")
    roles = {project: Role(role) for project, role in rows}
    return Person(user.pk, user.username, user.is_superuser, roles, may_write)
