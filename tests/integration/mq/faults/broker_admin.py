"""Virtual hosts and users of a test's own, made through the management API and deleted with it.

https://www.rabbitmq.com/docs/management (HTTP API)
"""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import Self
from urllib.parse import quote

import httpx


class BrokerAdmin:
    """May make users; what it made is gone when it is left."""

    def __init__(self, management_url: str) -> None:
        self._client = httpx.Client(base_url=f"{management_url.rstrip('/')}/api/", timeout=30)
        self._made = ExitStack()
        self._made.callback(self._client.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._made.close()

    def user(self, password: str) -> str:
        """A new user who may do nothing yet."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        self._put(f"users/{name}", {"password": password, "tags": ""})
        self._made.callback(self._delete, f"users/{name}")
        return name

    def allow(self, user: str, vhost: str, *, write: str) -> None:
        """Let a user look at everything in a virtual host, and write to what ``write`` matches."""
        rights = {"configure": "^$", "write": write, "read": ".*"}
        self._put(f"permissions/{quote(vhost, safe='')}/{user}", rights)

    def _put(self, path: str, body: dict[str, str]) -> None:
        self._client.put(path, json=body).raise_for_status()

    def _delete(self, path: str) -> None:
        self._client.delete(path).raise_for_status()
