"""Who is calling: bearer tokens verified by key set or by shared secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class User:
    """The subject of a valid token."""

    user_id: str
    roles: frozenset[str] = frozenset()


class TokenVerifier(Protocol):
    """Tells whose a token is."""

    def verify(self, token: str) -> User:
        """The subject of ``token`` (without ``Bearer``).

        Raises
        ------
        Unauthenticated
            Missing, malformed, expired, or not meant for us.
        """
        ...
