"""JSON web tokens of the platform's identity service, by its key set or by a shared secret.

Which of the two is a matter of configuration alone. The algorithm that a token's header names is
compared with the configured one and never chooses anything, so ``none``, or HMAC keyed with a
public key, is refused before a signature is looked at.

Importing this module loads PyJWT and cryptography: only `chalicelib.wiring` does, on first use.

Source: https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jwt

from chalicelib.auth import TokenVerifier, User, is_user_id
from chalicelib.clock import Clock
from chalicelib.errors import Unauthenticated
from chalicelib.jwks import ALGORITHM, KeySet, http_fetch
from chalicelib.secrets import Secrets
from chalicelib.settings import Settings, SettingsError

LEEWAY_SECONDS = 10
MIN_SECRET_BYTES = 32
MAX_TOKEN_LENGTH = 8192
_HMAC_ALGORITHM = "HS256"


class Claims:
    """What every token must say: our issuer, our audience, an end, a subject.

    ``exp``, ``nbf`` and ``iat`` are judged by PyJWT against this machine's clock, with ten seconds
    of leeway. Roles are those of ``roles_claim``: a list of texts, or one text separated by
    spaces; anything else there means no roles.
    """

    def __init__(self, issuer: str, audience: str, roles_claim: str) -> None:
        if not issuer or not audience:
            raise SettingsError("JWT_ISSUER and JWT_AUDIENCE must be set")
        self._issuer = issuer
        self._audience = audience
        self._roles_claim = roles_claim

    def user(self, token: str, key: jwt.PyJWK | bytes, algorithm: str) -> User:
        """Verify ``token`` and read its user; raises `jwt.PyJWTError` or `Unauthenticated`."""
        claims = jwt.decode(
            token,
            key=key,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["exp", "iss", "aud"],
                # Some issuers put a number into sub beside user_name; _user_id judges both.
                "verify_sub": False,
                "enforce_minimum_key_length": True,
            },
        )
        return User(_user_id(claims), _roles(claims.get(self._roles_claim)))


class KeySetVerifier:
    """Tokens signed with RS256 by a key of the issuer's published set."""

    def __init__(self, keys: KeySet, claims: Claims) -> None:
        self._keys = keys
        self._claims = claims

    def verify(self, token: str) -> User:
        """The subject of ``token``; see `TokenVerifier`."""
        try:
            header = jwt.get_unverified_header(_of_decent_length(token))
            if header.get("alg") != ALGORITHM:
                raise Unauthenticated(detail=f"alg is not {ALGORITHM}")
            key_id = header.get("kid")
            key = self._keys.key(key_id) if isinstance(key_id, str) else None
            if key is None:
                raise Unauthenticated(detail="kid is missing or unknown")
            return self._claims.user(token, key, ALGORITHM)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unauthenticated(detail=_reason(error)) from error


class SharedSecretVerifier:
    """Tokens signed with HS256 by a secret that only the issuer and we know."""

    def __init__(self, secret: str, claims: Claims) -> None:
        self._secret = secret.encode("utf-8")
        if len(self._secret) < MIN_SECRET_BYTES:
            raise SettingsError(f"jwt_shared_secret is shorter than {MIN_SECRET_BYTES} bytes")
        self._claims = claims

    def verify(self, token: str) -> User:
        """The subject of ``token``; see `TokenVerifier`."""
        try:
            return self._claims.user(_of_decent_length(token), self._secret, _HMAC_ALGORITHM)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unauthenticated(detail=_reason(error)) from error


def verifier_for(settings: Settings, secrets: Secrets, clock: Clock) -> TokenVerifier:
    """The verifier that the settings name; nothing is fetched yet.

    Raises
    ------
    SettingsError
        A setting or the secret that this way of verifying needs is missing or unfit.
    """
    claims = Claims(
        settings.require("jwt_issuer"), settings.require("jwt_audience"), settings.jwt_roles_claim
    )
    if settings.auth_mode == "shared-secret":
        return SharedSecretVerifier(secrets.get("jwt_shared_secret"), claims)
    try:
        fetch = http_fetch(settings.require("jwks_url"))
    except jwt.PyJWKClientError as error:
        raise SettingsError("JWKS_URL is not an http(s) address") from error
    return KeySetVerifier(KeySet(fetch, clock), claims)


def _of_decent_length(token: str) -> str:
    if len(token) > MAX_TOKEN_LENGTH:
        raise Unauthenticated(detail=f"token of {len(token)} characters")
    return token


def _reason(error: Exception) -> str:
    """Why, for the log: never the token itself."""
    return f"{type(error).__name__}: {error}"[:200]


def _user_id(claims: Mapping[str, Any]) -> str:
    """The platform's ``user_name`` (JSON text with the user) if there is one, else ``sub``.

    A ``user_name`` that cannot be read is refused even beside a sound ``sub``: the two may number
    users differently, and the wrong one of them would be somebody else.
    """
    user_name = claims.get("user_name")
    found = claims.get("sub") if user_name is None else _id_in(user_name)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not is_user_id(found):
        raise Unauthenticated(detail="no usable user id in user_name or sub")
    return found


def _id_in(user_name: object) -> object:
    if not isinstance(user_name, str):
        return None
    try:
        user = json.loads(user_name)
    except (ValueError, RecursionError):
        return None
    return user.get("id") if isinstance(user, dict) else None


def _roles(claim: object) -> frozenset[str]:
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, list) and all(isinstance(role, str) and role for role in claim):
        return frozenset(claim)
    return frozenset()
