"""``python -m infra.local.services.identity``: a dev identity provider, and a stand-in result page.

It stands in for the platform's login: RS256 tokens, its keys at ``/.well-known/jwks.json``.

======  ==========================  ==============================================================
GET     ``/``                       a page on which a developer gets a token
GET     ``/.well-known/jwks.json``  the public keys, old ones included (RFC 7517)
POST    ``/token``                  `TokenOrder` -> ``{"access_token", "token_type", "expires_in"}``
GET     ``/result``                 stands in for the H5 result page
POST    ``/_control/rotate``        sign with a new key from now on
======  ==========================  ==============================================================

Anybody who reaches it gets any token: it is for loopback only.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask, Response, render_template, request
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from infra.local.services.web_server import WebServer, serve_until_told_to_stop

KEY_FILE = "identity_private_key.pem"
DEFAULT_TTL_SECONDS = 7200


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
    form: Literal["platform", "plain"] = "platform"
    claims: dict[str, Any] = {}


class KeyRing:
    """The signing key and all the keys before it. A ``kid`` is the RFC 7638 thumbprint."""

    def __init__(self, first: rsa.RSAPrivateKey) -> None:
        self._lock = threading.Lock()
        self._keys = {_thumbprint(first): first}

    def rotate(self) -> str:
        """Sign with a new key from now on; returns its ``kid``."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        with self._lock:
            self._keys[_thumbprint(key)] = key
        return _thumbprint(key)

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with ``claims``, by the newest key."""
        with self._lock:
            kid, key = list(self._keys.items())[-1]
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})

    def key_set(self) -> dict[str, Any]:
        """The public halves, as a JWK set."""
        with self._lock:
            keys = dict(self._keys)
        return {
            "keys": [
                _public_jwk(key) | {"kid": kid, "use": "sig", "alg": "RS256"}
                for kid, key in keys.items()
            ]
        }


def _public_jwk(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    return {
        name: value
        for name, value in RSAAlgorithm.to_jwk(key.public_key(), as_dict=True).items()
        if name in ("e", "kty", "n")
    }


def _thumbprint(key: rsa.RSAPrivateKey) -> str:
    """RFC 7638 §3: the SHA-256 of the required members, in order, without white space."""
    text = json.dumps(_public_jwk(key), sort_keys=True, separators=(",", ":"))
    return base64url_encode(sha256(text.encode()).digest()).decode()


def claims_of(order: TokenOrder, *, issuer: str, audience: str, now: int) -> dict[str, Any]:
    """What the token says. ``now`` is in seconds since 1970."""
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


def create_app(keys: KeyRing, *, issuer: str, audience: str) -> Flask:
    """The identity provider as a Flask app."""
    app = Flask(__name__)

    def token_for(order: TokenOrder) -> str:
        now = int(time.time())
        return keys.sign(claims_of(order, issuer=issuer, audience=audience, now=now))

    @app.get("/.well-known/jwks.json")
    def jwks() -> Response:
        return _json(keys.key_set())

    @app.post("/token")
    def token() -> Response:
        try:
            order = msgspec.json.decode(request.get_data(), type=TokenOrder)
        except msgspec.DecodeError as error:
            # RFC 6749 §5.2
            return _json({"error": "invalid_request", "error_description": str(error)}, 400)
        answer = {"access_token": token_for(order), "token_type": "Bearer"}
        return _json(answer | {"expires_in": order.ttl_seconds})

    @app.get("/")
    def home() -> str:
        user_id = request.args.get("userId", "").strip()
        roles = request.args.get("roles", "")
        order = TokenOrder(user_id=user_id, roles=roles.replace(",", " ").split())
        return render_template(
            "identity.html",
            user_id=user_id or "1001",
            roles=roles,
            token=token_for(order) if user_id else "",
        )

    @app.get("/result")
    def result() -> str:
        return render_template("result.html", pay_no=request.args.get("payNo", ""))

    @app.post("/_control/rotate")
    def rotate() -> Response:
        return _json({"kid": keys.rotate()})

    return app


def _json(body: Any, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
    return Response(
        msgspec.json.encode(body), status, headers=headers, content_type="application/json"
    )


def read_key(folder: Path) -> rsa.RSAPrivateKey:
    """The first signing key.

    Raises
    ------
    ValueError
        The file is missing, or not an RSA private key in PEM.
    """
    try:
        key = load_pem_private_key((folder / KEY_FILE).read_bytes(), None)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the key {KEY_FILE}: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"{KEY_FILE} is not an RSA private key")
    return key


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.services.identity")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--keys", type=Path, required=True, help=f"folder with {KEY_FILE}")
    parser.add_argument("--issuer", required=True, metavar="URL")
    parser.add_argument("--audience", required=True)
    options = parser.parse_args()
    try:
        keys = KeyRing(read_key(options.keys))
    except ValueError as error:
        parser.error(str(error))
    app = create_app(keys, issuer=options.issuer, audience=options.audience)
    serve_until_told_to_stop(WebServer(app, options.port), "identity provider")


if __name__ == "__main__":
    main()
