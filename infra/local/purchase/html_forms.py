"""Reads an HTML page: its forms, as a browser would submit them, and its elements by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

_UNSENT_INPUTS = frozenset({"button", "file", "image", "reset"})
_CHECKED_INPUTS = frozenset({"checkbox", "radio"})


@dataclass(frozen=True, slots=True)
class Button:
    """A submit button that sends a field of its own."""

    name: str
    value: str


@dataclass(slots=True)
class Form:
    """One form: ``action`` is absolute; ``fields`` are what it sends without pressing a button.

    ``choices`` are the values offered under one name by radio buttons, checkboxes and options.
    """

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)

    def value(self, name: str) -> str | None:
        """The first value of a field."""
        return next((value for field_name, value in self.fields if field_name == name), None)

    def filled(self, values: Mapping[str, str]) -> list[tuple[str, str]]:
        """The fields to send with ``values`` typed in, chosen, or pressed as buttons."""
        kept = [(name, value) for name, value in self.fields if name not in values]
        return [*kept, *values.items()]


@dataclass(frozen=True, slots=True)
class Page:
    """A page as a person sees it, and what can be submitted from it.

    ``by_id`` has the attributes of the elements that have an id.
    """

    url: str
    title: str
    text: str
    forms: tuple[Form, ...]
    by_id: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def form_with(self, *names: str) -> Form | None:
        """The first form that has all these fields or buttons."""
        for form in self.forms:
            known = {name for name, _ in form.fields + form.choices}
            if set(names) <= known | {button.name for button in form.buttons}:
                return form
        return None


def read_page(url: str, html: str) -> Page:
    """Parse ``html``, which was got from ``url``."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    text = " ".join(" ".join(reader.words).split())
    return Page(url, "".join(reader.title).strip(), text, tuple(reader.forms), reader.by_id)


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._form: Form | None = None
        self._select: str | None = None
        self._silent: str | None = None
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.title: list[str] = []
        self.by_id: dict[str, dict[str, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.by_id[given["id"]] = given
        if tag in ("script", "style", "title"):
            self._silent = tag
        elif tag == "form":
            action = urljoin(self._url, given.get("action", ""))
            self._form = Form(action, given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._add_control(self._form, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = None
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._silent is None:
            self.words.append(data)
        elif self._silent == "title":
            self.title.append(data)

    def _add_control(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if "disabled" in given:
            return
        if tag == "input":
            self._add_input(form, given, name, value)
        elif tag == "button" and given.get("type", "submit") == "submit" and name:
            form.buttons.append(Button(name, value))
        elif tag == "textarea" and name:
            form.fields.append((name, ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.choices.append((self._select, value))
            if "selected" in given:
                form.fields.append((self._select, value))

    @staticmethod
    def _add_input(form: Form, given: dict[str, str], name: str, value: str) -> None:
        kind = given.get("type", "text").lower()
        if not name or kind in _UNSENT_INPUTS:
            return
        if kind == "submit":
            form.buttons.append(Button(name, value))
        elif kind in _CHECKED_INPUTS:
            form.choices.append((name, value or "on"))
            if "checked" in given:
                form.fields.append((name, value or "on"))
        else:
            form.fields.append((name, value))
