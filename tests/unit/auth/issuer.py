"""A token issuer with keys of its own, made at run time."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.jwks import KeySet
from chalicelib.tokens import Claims, KeySetVerifier
from tests.fakes.clock import FakeClock

ISSUER = "https://id.example.test"
AUDIENCE = "course-payments"


@cache
def rsa_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """One key per name and test run; making one is slow."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def public_pem(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def published(key: RSAPrivateKey, key_id: str, **members: Any) -> dict[str, Any]:
    """One member of a key set."""
    jwk: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {**jwk, "use": "sig", "alg": "RS256", "kid": key_id, **members}


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says; a change to None leaves the claim out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 300, "sub": "student-1"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(kid: str = "k1", signed_by: str = "k1", **changes: Any) -> str:
    """A token of the key ``signed_by`` under the key id ``kid``."""
    return jwt.encode(claims(**changes), rsa_key(signed_by), "RS256", headers={"kid": kid})


def raw_token(header: Mapping[str, Any], payload: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand: what no library would make."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class Issuer:
    """Publishes a key set, can be down, and counts how often it is asked."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.down = False
        self.fetches = 0

    def fetch(self) -> Mapping[str, Any]:
        self.fetches += 1
        if self.down:
            raise jwt.PyJWKClientConnectionError("connection refused")
        return {"keys": list(self.keys)}


def our_claims(roles_claim: str = "roles") -> Claims:
    return Claims(ISSUER, AUDIENCE, roles_claim)


def verifier_of(issuer: Issuer, clock: FakeClock | None = None) -> KeySetVerifier:
    return KeySetVerifier(KeySet(issuer.fetch, clock or FakeClock()), our_claims())
