"""The forms of the pages: what can be typed, and what is said when it cannot be taken."""

import re
from typing import Any

from django import forms

from tcserver.fleet.models import Client
from tcserver.people.models import Project

NAME = re.compile(r"[0-9A-Za-z_\- ]*")
NAME_RULE = "A name has letters, digits, spaces, _ and -."


class CaptureForm(forms.Form):
    """A capture: its name, what it looks for, and which client captures it."""

    name = forms.CharField(
        max_length=64, help_text="Letters, digits, spaces, _ and -. The folder of its files."
    )
    project = forms.ModelChoiceField(Project.objects.none())
    keywords = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Commas separate terms; the words of a term must all occur in a post.",
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    client = forms.ModelChoiceField(Client.objects.none(), required=False, empty_label="none yet")

    def __init__(self, *args: Any, projects: Any, clients: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project, client = self.fields["project"], self.fields["client"]
        assert isinstance(project, forms.ModelChoiceField)
        assert isinstance(client, forms.ModelChoiceField)
        project.queryset, client.queryset = projects, clients
        project.empty_label = None
        if len(projects) == 1:
            project.initial = projects[0]
            project.widget = project.hidden_widget()

    def clean_name(self) -> str:
        """Return a name that clients can make a folder of."""
        name: str = self.cleaned_data["name"]
        if not NAME.fullmatch(name):
            raise forms.ValidationError(NAME_RULE)
        return name

    def clean_keywords(self) -> str | None:
        """Return the keywords, None where there are none."""
        return self.cleaned_data["keywords"] or None

    def clean_description(self) -> str | None:
        """Return the description, None where there is none."""
        return self.cleaned_data["description"] or None


class ClientForm(forms.Form):
    """A new client: its name, and whose captures it takes."""

    name = forms.CharField(max_length=64, help_text="For example the machine that it runs on.")
    projects = forms.ModelMultipleChoiceField(
        Project.objects.none(), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, projects: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["projects"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = projects
        if len(projects) == 1:
            field.initial = projects
            field.widget = field.hidden_widget()
