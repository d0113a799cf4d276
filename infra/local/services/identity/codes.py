"""Authorization codes: each is exchanged once, within a minute, by whoever began (RFC 7636)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.local.services.identity.tokens import TokenOrder

LIFETIME_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What a code stands for: who signed in, for whom, and what the exchange must match."""

    order: TokenOrder
    client_id: str
    redirect_uri: str
    code_challenge: str
    """The S256 one: base64url of the SHA-256 of the verifier."""
    scope: str = "openid"
    nonce: str = field(default="", repr=False)


class Codes:
    """The codes that were given out. ``clock`` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._given: dict[str, tuple[float, Authorization]] = {}

    def give(self, authorization: Authorization) -> str:
        """A new code."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._given = {c: g for c, g in self._given.items() if now < g[0]}
            self._given[code] = (now + LIFETIME_SECONDS, authorization)
        return code

    def take(self, code: str) -> Authorization | None:
        """What ``code`` stands for; afterwards it stands for nothing. None: unknown, used, late."""
        with self._lock:
            ends_at, authorization = self._given.pop(code, (0.0, None))
            return authorization if self._clock() < ends_at else None
