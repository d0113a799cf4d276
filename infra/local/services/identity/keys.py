"""What signs the tokens: a ring of RSA keys, the newest of which signs."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

KEY_FILE = "identity_private_key.pem"
ALGORITHM = "RS256"


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
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})

    def key_set(self) -> dict[str, Any]:
        """The public halves, as a JWK set."""
        with self._lock:
            keys = dict(self._keys)
        return {
            "keys": [
                _public_jwk(key) | {"kid": kid, "use": "sig", "alg": ALGORITHM}
                for kid, key in keys.items()
            ]
        }


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
