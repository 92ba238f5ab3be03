"""
The plain way to serve polls and reports: Django REST framework over the same tables.

ModelViewSet and ModelSerializer as their documentation shows them, the middleware of a new project,
and a lookup of the token for each request.  What tcserver does besides (the posts that add up in a
capture, history, the contract's messages) is left out.  Served by the same Daphne, and in the same
threads with their database connections, so that nothing but the way differs; with TCC_STOCK_ASGI
by Django's own handler.
"""

import os
from datetime import timedelta
from typing import Any

import django
from django.core.asgi import get_asgi_application
from django.utils import timezone

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.plainsettings"
django.setup()

from django.urls import include, path  # noqa: E402 - Django comes first
from rest_framework import (  # noqa: E402  # noqa: E402
    authentication,
    exceptions,
    pagination,
    permissions,
    routers,
    serializers,
    viewsets,
)

from tcserver.accounts.models import UpdateRecord  # noqa: E402
from tcserver.bridge import DjangoInThreads  # noqa: E402
from tcserver.captures.models import CaptureRecord  # noqa: E402
from tcserver.fleet.models import Token  # noqa: E402
from tcserver.people.tokens import digest  # noqa: E402


class PlainToken(authentication.TokenAuthentication):
    """Looks the token up, and notes the contact every few seconds as tcserver does."""

    def authenticate_credentials(self, key: str) -> Any:
        """Return the client and its token."""
        try:
            token = Token.objects.select_related("client").get(digest=digest(key))
        except Token.DoesNotExist:
            raise exceptions.AuthenticationFailed("Invalid token.") from None
        now = timezone.now()
        if token.contact_at is None or now - token.contact_at > timedelta(seconds=5):
            token.contact_at = now
            token.save(update_fields=["contact_at"])
        token.client.is_authenticated = True
        return token.client, token


class UpdateSerializer(serializers.ModelSerializer):
    """An update."""

    class Meta:
        model = UpdateRecord
        fields = ("at", "count", "total", "rate", "capture")
        read_only_fields = ("at",)


class JobSerializer(serializers.HyperlinkedModelSerializer):
    """A capture, with as many members as tcserver has of it."""

    id = serializers.IntegerField(read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="activejobs-detail")
    client = serializers.PrimaryKeyRelatedField(read_only=True)
    client_name = serializers.CharField(source="client.name", read_only=True)
    created_by = serializers.PrimaryKeyRelatedField(read_only=True)
    created_by_name = serializers.CharField(source="created_by.username", read_only=True)
    changed_by = serializers.PrimaryKeyRelatedField(read_only=True)
    changed_by_name = serializers.CharField(source="changed_by.username", read_only=True)
    archived_by = serializers.PrimaryKeyRelatedField(read_only=True)
    deleted_by = serializers.PrimaryKeyRelatedField(read_only=True)
    recent_update = serializers.SerializerMethodField()

    class Meta:
        model = CaptureRecord
        fields = (
            "id", "url", "name", "description", "keywords", "answer", "task", "first_started_at",
            "started_at", "stopped_at", "client", "client_name", "total", "rate", "ping_at",
            "created_by", "created_by_name", "created_at", "changed_by", "changed_by_name",
            "modified_at", "deleted_by", "deleted_at", "archived_by", "archived_at",
            "recent_update", "revision",
        )  # fmt: skip
        read_only_fields = ("created_at", "modified_at", "revision")

    def get_recent_update(self, capture: CaptureRecord) -> dict[str, Any]:
        """Return the newest update, which stands in the row."""
        if capture.update_at is None:
            return {}
        return {
            "date": capture.update_at,
            "total_count": capture.update_total,
            "rate": capture.update_rate,
        }


class ActiveJobs(viewsets.ModelViewSet):
    """The captures of the client that asks."""

    authentication_classes = (PlainToken,)
    permission_classes = (permissions.IsAuthenticated,)
    serializer_class = JobSerializer
    pagination_class = pagination.LimitOffsetPagination

    def get_queryset(self) -> Any:
        """Return what is assigned to it now."""
        rows = CaptureRecord.objects.select_related("client", "created_by", "changed_by")
        own = rows.filter(client=self.request.user, archived_at=None, deleted_at=None)
        return own.order_by("pk")

    def perform_update(self, serializer: Any) -> None:
        """Write it, with the time."""
        now = timezone.now()
        serializer.save(ping_at=now, modified_at=now)


class Updates(viewsets.ModelViewSet):
    """The updates of the client that asks."""

    authentication_classes = (PlainToken,)
    permission_classes = (permissions.IsAuthenticated,)
    serializer_class = UpdateSerializer
    pagination_class = pagination.LimitOffsetPagination

    def get_queryset(self) -> Any:
        """Return what it has sent."""
        return UpdateRecord.objects.filter(client=self.request.user).order_by("pk")

    def perform_create(self, serializer: Any) -> None:
        """Add it, with the time."""
        serializer.save(client=self.request.user, at=timezone.now())


router = routers.DefaultRouter()
router.register("activejobs", ActiveJobs, basename="activejobs")
router.register("update", Updates, basename="update")
urlpatterns = [path("api/", include(router.urls))]
application = (
    get_asgi_application() if os.environ.get("TCC_STOCK_ASGI") else DjangoInThreads(8, 2 << 20)
)
