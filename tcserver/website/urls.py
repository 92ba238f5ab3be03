"""The addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path
from django.views.generic import RedirectView

from tcserver.website import account, captures, clients, people, projects
from tcserver.website.login import Login

_ACT = "|".join(captures.ACTS)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="captures")),
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", account.ChangePassword.as_view(), name="password"),
    path("choose/<uidb64>/<token>/", account.ChoosePassword.as_view(), name="choose_password"),
    path("account/", account.account, name="account"),
    path("account/keys/new/", account.new_key, name="new_key"),
    path("account/keys/<int:number>/revoke/", account.end_key, name="revoke_key"),
    path("captures/", captures.captures, name="captures"),
    path("captures/new/", captures.new_capture, name="new_capture"),
    path("captures/<int:number>/", captures.capture, name="capture"),
    path("captures/<int:number>/edit/", captures.edit_capture, name="edit_capture"),
    re_path(
        rf"^captures/(?P<number>[0-9]+)/(?P<act>{_ACT})/$",
        captures.act_on_capture,
        name="act_on_capture",
    ),
    path("clients/", clients.clients, name="clients"),
    path("clients/new/", clients.new_client, name="new_client"),
    path("clients/<int:number>/", clients.client, name="client"),
    path("clients/<int:number>/projects/", clients.client_projects, name="client_projects"),
    path("clients/<int:number>/tokens/", clients.new_token, name="new_token"),
    path(
        "clients/<int:number>/tokens/<int:token>/revoke/",
        clients.revoke_token,
        name="revoke_token",
    ),
    path("clients/<int:number>/retire/", clients.retire_client, name="retire_client"),
    path("people/", people.people, name="people"),
    path("people/new/", people.new_person, name="new_person"),
    path("people/<int:number>/", people.person, name="person"),
    path("people/<int:number>/link/", people.new_link, name="new_link"),
    re_path(
        rf"^people/(?P<number>[0-9]+)/(?P<act>{'|'.join(people.ACTS)})/$",
        people.act_on_person,
        name="act_on_person",
    ),
    path("projects/", projects.projects, name="projects"),
    path("projects/new/", projects.new_project, name="new_project"),
    path("projects/<int:number>/", projects.project, name="project"),
    path("projects/<int:number>/edit/", projects.edit_project, name="edit_project"),
    path("projects/<int:number>/members/", projects.members, name="members"),
]
