"""The keys of a local stack: made on its first start, never in the repository.

A payment platform and its merchant each hold a private key and know the other's public key. The
simulators read ``keys/``, the functions read ``secrets/`` (``SECRETS_DIR``)::

    keys/alipay_private_key.pem           signs as Alipay          secrets/alipay_public_key
    keys/alipay_app_public_key.pem        verifies the merchant    secrets/alipay_app_private_key
    keys/wechatpay_private_key.pem        signs as WeChat Pay      secrets/wechat_public_key
    keys/wechat_merchant_public_key.pem   verifies the merchant    secrets/wechat_private_key
    keys/wechat_api_v3_key                encrypts notifications   secrets/wechat_api_v3_key
    keys/wechat_app_secret                shared for OAuth         secrets/wechat_app_secret
    keys/identity_private_key.pem         signs tokens             (served as a JWK set)
                                          signs payment links      secrets/link_keys
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_RSA_BITS = 2048
_LINK_KEY_BYTES = 32
_SHARED_BYTES = 16  # 32 characters in hexadecimal, as both secrets of WeChat have


def make_keys(folder: Path) -> None:
    """Make what is missing under ``folder``; what is there stays. The files are their owner's.

    What two sides hold is made together: with one of the files missing, both are made anew.
    """
    keys, secret_files = folder / "keys", folder / "secrets"
    for place in (keys, secret_files):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_pair(keys / "alipay_private_key.pem", secret_files / "alipay_public_key")
    _make_pair(secret_files / "alipay_app_private_key", keys / "alipay_app_public_key.pem")
    _make_pair(keys / "wechatpay_private_key.pem", secret_files / "wechat_public_key")
    _make_pair(secret_files / "wechat_private_key", keys / "wechat_merchant_public_key.pem")
    for name in ("wechat_api_v3_key", "wechat_app_secret"):
        _make_shared(keys / name, secret_files / name)
    identity = keys / "identity_private_key.pem"
    if not identity.exists():
        _write(identity, _private_pem(_new_key()))
    link_keys = secret_files / "link_keys"
    if not link_keys.exists():
        _write(link_keys, json.dumps({"k1": secrets.token_hex(_LINK_KEY_BYTES)}).encode())


def _make_pair(private: Path, public: Path) -> None:
    if private.exists() and public.exists():
        return
    key = _new_key()
    _write(private, _private_pem(key))
    _write(public, _public_pem(key))


def _make_shared(ours: Path, theirs: Path) -> None:
    if ours.exists() and theirs.exists():
        return
    secret = secrets.token_hex(_SHARED_BYTES).encode()
    _write(ours, secret)
    _write(theirs, secret)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write(path: Path, content: bytes) -> None:
    # Complete or not there, and never readable by others, not even for a moment.
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
