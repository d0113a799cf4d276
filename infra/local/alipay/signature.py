"""RSA2 signatures as the open platform defines them (SHA256withRSA, PKCS#1 v1.5, base64).

Source: https://developer.aliyun.com/article/707521 (自行实现验签: answers and notifications).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

PLATFORM_KEY_FILE = "alipay_private_key.pem"
MERCHANT_KEY_FILE = "alipay_app_public_key.pem"


class KeyFileError(ValueError):
    """A key file is missing or not what it should be; the message names it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the platform holds: its own private key, and the public key of one merchant's app."""

    platform: RSAPrivateKey
    merchant: RSAPublicKey

    @classmethod
    def from_folder(cls, folder: Path) -> Keys:
        """Read ``alipay_private_key.pem`` and ``alipay_app_public_key.pem``.

        Raises
        ------
        KeyFileError
            One is missing, or not an RSA key in PEM.
        """
        platform = _read(folder / PLATFORM_KEY_FILE)
        merchant = _read(folder / MERCHANT_KEY_FILE)
        if not isinstance(platform, RSAPrivateKey):
            raise KeyFileError(f"{PLATFORM_KEY_FILE} is not an RSA private key")
        if not isinstance(merchant, RSAPublicKey):
            raise KeyFileError(f"{MERCHANT_KEY_FILE} is not an RSA public key")
        return cls(platform, merchant)


def _read(file: Path) -> object:
    try:
        pem = file.read_bytes()
        if b"PRIVATE" in pem:
            return load_pem_private_key(pem, None)
        return load_pem_public_key(pem)
    except (OSError, ValueError) as error:
        raise KeyFileError(f"cannot read the key {file.name}: {error}") from error


def text_of_request(parameters: Mapping[str, str]) -> str:
    """What a request signs: all parameters but ``sign``, sorted; ``sign_type`` is signed too."""
    return _joined(parameters, without=("sign",))


def text_of_notify(fields: Mapping[str, str]) -> str:
    """What a notify or a browser return signs: neither ``sign`` nor ``sign_type``.

    Fields with a blank value are part of it.
    """
    return _joined(fields, without=("sign", "sign_type"))


def _joined(values: Mapping[str, str], without: tuple[str, ...]) -> str:
    return "&".join(
        f"{name}={value}" for name, value in sorted(values.items()) if name not in without
    )


def sign(text: str, key: RSAPrivateKey) -> str:
    """The RSA2 signature of ``text`` in UTF-8."""
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def is_signed(text: str, signature: str, key: RSAPublicKey) -> bool:
    """Whether ``signature`` is that of ``text``; a malformed one is not."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def spoiled(signature: str) -> str:
    """A well-formed signature of something else: a bit of the last byte is turned."""
    raw = bytearray(base64.b64decode(signature))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()
