"""Who is calling. `chalicelib.tokens` verifies tokens, `chalicelib.authorizer` guards routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.errors import Unauthenticated

MAX_USER_ID_LENGTH = 64


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
        Unavailable
            It cannot be told now: the issuer's keys are out of reach.
        """
        ...


def bearer_token(header: str) -> str:
    """The token of an ``Authorization`` header.

    Raises
    ------
    Unauthenticated
        The header has another scheme, or not exactly one token.

    Source: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    """
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token.split()) != 1:
        raise Unauthenticated(detail="the Authorization header is not 'Bearer <token>'")
    return token


def is_user_id(text: str) -> bool:
    """Whether ``text`` may stand in our keys as a user id.

    ``#`` joins the parts of composite keys, so a user id that holds one could name another
    user's item. What cannot be printed (control characters, lone surrogates, invisible marks) or
    hides at the ends would make two ids look alike.
    """
    return (
        0 < len(text) <= MAX_USER_ID_LENGTH
        and text.isprintable()
        and "#" not in text
        and text == text.strip()
    )
