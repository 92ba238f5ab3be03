"""Which projects and people a person knows of; an administrator knows of all."""

from django.db.models import Q, QuerySet

from tcserver.people.askers import Person
from tcserver.people.models import Project, User


def projects_for(person: Person) -> "QuerySet[Project]":
    """Return the projects that a person may know of, by name."""
    projects = Project.objects.order_by("name")
    return projects if person.administrator else projects.filter(pk__in=person.roles)


def people_for(person: Person) -> "QuerySet[User]":
    """Return the members of a person's projects, and the person, by name."""
    people = User.objects.order_by("username")
    if person.administrator:
        return people
    members = User.objects.filter(memberships__project__in=person.roles)
    return people.filter(Q(pk=person.id) | Q(pk__in=members))
