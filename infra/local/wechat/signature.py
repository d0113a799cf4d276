"""Keys of both sides, and the signatures of APIv3 (SHA256withRSA, PKCS#1 v1.5, base64).

Both directions sign lines that each end with a newline; a body is signed as the bytes that travel.
Requests: https://pay.weixin.qq.com/doc/v3/merchant/4012365336. Answers, notifications and the
public-key mode: https://pay.weixin.qq.com/doc/v3/merchant/4013053249.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
"""How the signature of a probe begins: the other side must refuse it."""

PLATFORM_KEY_FILE = "wechatpay_private_key.pem"
MERCHANT_KEY_FILE = "wechat_merchant_public_key.pem"
API_V3_KEY_FILE = "wechat_api_v3_key"
APP_SECRET_FILE = "wechat_app_secret"
_API_V3_KEY_BYTES = 32


class KeyFileError(ValueError):
    """A key file is missing or not what it should be; the message names it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the platform holds: its own private key, and what it shares with the one merchant."""

    platform: RSAPrivateKey
    public_key_id: str
    """``PUB_KEY_ID_…``: how the platform's public key is called."""
    merchant: RSAPublicKey
    api_v3_key: bytes
    app_secret: str

    @classmethod
    def from_folder(cls, folder: Path, public_key_id: str) -> Keys:
        """Read the four files named above.

        Raises
        ------
        KeyFileError
            One is missing, or not what its name says.
        """
        platform = _read_pem(folder / PLATFORM_KEY_FILE)
        merchant = _read_pem(folder / MERCHANT_KEY_FILE)
        api_v3_key = _read(folder / API_V3_KEY_FILE).strip()
        if not isinstance(platform, RSAPrivateKey):
            raise KeyFileError(f"{PLATFORM_KEY_FILE} is not an RSA private key")
        if not isinstance(merchant, RSAPublicKey):
            raise KeyFileError(f"{MERCHANT_KEY_FILE} is not an RSA public key")
        if len(api_v3_key) != _API_V3_KEY_BYTES:
            raise KeyFileError(f"{API_V3_KEY_FILE} has not {_API_V3_KEY_BYTES} bytes")
        app_secret = _read(folder / APP_SECRET_FILE).strip().decode("ascii", "replace")
        return cls(platform, public_key_id, merchant, api_v3_key, app_secret)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise KeyFileError(f"cannot read the key {file.name}: {error}") from error


def _read_pem(file: Path) -> object:
    pem = _read(file)
    try:
        if b"PRIVATE" in pem:
            return load_pem_private_key(pem, None)
        return load_pem_public_key(pem)
    except ValueError as error:
        raise KeyFileError(f"cannot read the key {file.name}: {error}") from error


def lines(*parts: str | bytes) -> bytes:
    """What is signed: each part on a line of its own, the last one too."""
    return b"".join((part.encode() if isinstance(part, str) else part) + b"\n" for part in parts)


def sign(content: bytes, key: RSAPrivateKey) -> str:
    """The signature of ``content``."""
    return base64.b64encode(key.sign(content, PKCS1v15(), SHA256())).decode()


def is_signed(content: bytes, signature: str, key: RSAPublicKey) -> bool:
    """Whether ``signature`` is that of ``content``; a malformed one is not."""
    try:
        key.verify(base64.b64decode(signature, validate=True), content, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def spoiled(text: str) -> str:
    """Well-formed base64 of something else: a bit of the last byte is turned."""
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()


def probe(signature: str) -> str:
    """The signature of a probe, as long as the true one."""
    return PROBE_PREFIX + signature[len(PROBE_PREFIX) :]
