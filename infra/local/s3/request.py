"""A request as it came, before anybody made it easier to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

import flask


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is spelt as it came; the names of ``headers`` are in small letters."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, came: flask.Request) -> Request:
        """What Flask serves now."""
        path, _, query = came.environ["REQUEST_URI"].partition("?")
        return cls(
            method=came.method,
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in came.headers.items()},
            body=came.get_data(),
        )

    @property
    def bucket(self) -> str:
        """The first part of the path."""
        return self._parts[0]

    @property
    def key(self) -> str:
        """All that follows; empty when the bucket itself is meant."""
        return self._parts[2]

    @property
    def _parts(self) -> tuple[str, str, str]:
        return unquote(self.path).removeprefix("/").partition("/")

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter; names are told apart by their case."""
        return next((value for known, value in self.query if known == name), None)
