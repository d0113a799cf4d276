"""What the tokens say: of the API's access tokens, and of the ID tokens of OpenID Connect."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Literal

import msgspec
from jwt.utils import base64url_encode

DEFAULT_TTL_SECONDS = 7200
_ID_TOKEN_TTL_SECONDS = 600

Form = Literal["platform", "plain"]


class TokenOrder(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Whose token is wanted, and in which form.

    ``platform`` is what the school's platform issues: the claim ``user_name`` is a JSON *string*
    with the user. ``plain`` has ``sub``. A negative ``ttlSeconds`` makes an expired token;
    ``claims`` are put over the others (null takes one away).
    """

    user_id: str
    name: str = "测试学员"
    company_id: str = "1"
    roles: list[str] = []
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    form: Form = "platform"
    claims: dict[str, Any] = {}


def claims_of(order: TokenOrder, *, issuer: str, audience: str, now: int) -> dict[str, Any]:
    """What the access token says. ``now`` is in seconds since 1970."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "iat": min(now, now + order.ttl_seconds),
        "exp": now + order.ttl_seconds,
        "roles": order.roles,
    }
    if order.form == "plain":
        claims |= {"sub": order.user_id, "name": order.name}
    else:
        user = {
            "id": order.user_id,
            "username": f"user{order.user_id}",
            "name": order.name,
            "nickname": order.name,
            "companyId": order.company_id,
            "utype": "101001",
        }
        claims["user_name"] = json.dumps(user, ensure_ascii=False)
    over = claims | order.claims
    return {name: value for name, value in over.items() if value is not None}


def id_token_claims(
    order: TokenOrder, *, issuer: str, client_id: str, nonce: str, access_token: str, now: int
) -> dict[str, Any]:
    """What the ID token says to the client of who has signed in; ``now`` in seconds since 1970.

    https://openid.net/specs/openid-connect-core-1_0.html#IDToken and #CodeIDToken (``at_hash``)
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": order.user_id,
        "aud": client_id,
        "iat": now,
        "exp": now + _ID_TOKEN_TTL_SECONDS,
        "auth_time": now,
        "name": order.name,
        "at_hash": _left_half_of_the_hash(access_token),
    }
    return claims | ({"nonce": nonce} if nonce else {})


def _left_half_of_the_hash(token: str) -> str:
    """The half of the hash that the algorithm of the signature (RS256) uses."""
    digest = sha256(token.encode("ascii")).digest()
    return base64url_encode(digest[: len(digest) // 2]).decode()
