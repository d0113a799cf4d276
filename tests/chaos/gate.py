"""The gate in front of the database, which can also refuse everything."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

from tests.e2e.database_gate import DatabaseGate, Held

_REFUSAL = {
    "__type": "com.amazonaws.dynamodb.v20120810#InternalServerError",
    "message": "the database refuses everything",
}


class RefusingGate(DatabaseGate):
    """A database that answers every request with 500 while it ``refuses``."""

    def __init__(self, engine_url: str) -> None:
        super().__init__(engine_url)
        # clients are killed here while they speak; that is nothing to tell about
        self._server.handle_error = lambda *_: None
        self.refuses = False
        self.refused = 0

    def release(self, held: Held) -> None:
        """Let such a request pass, if none has come yet."""
        with self._lock:
            self._held = [other for other in self._held if other is not held]

    def connect(self) -> HTTPConnection:
        """A connection to the engine, or to nobody."""
        if not self.refuses:
            return super().connect()
        self.refused += 1
        return _Refusing(*self._server.server_address[:2])


class _Refusing(HTTPConnection):
    """Sends nothing anywhere."""

    def request(self, *_: Any, **__: Any) -> None:
        pass

    def getresponse(self) -> Any:
        return _Refusal()


class _Refusal:
    status = 500

    def getheaders(self) -> list[tuple[str, str]]:
        return [("Content-Type", "application/x-amz-json-1.0")]

    def read(self) -> bytes:
        return json.dumps(_REFUSAL).encode()
