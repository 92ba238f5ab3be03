"""The one address of real time that is asked by requests."""

from django.urls import path

from tcserver.live.metrics import metrics

urlpatterns = [path("metrics", metrics)]
