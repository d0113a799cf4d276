"""How the platform writes to the merchant: signed headers, and an encrypted resource.

https://pay.weixin.qq.com/doc/v3/merchant/4012071382 (解密回调报文): AES-256-GCM with the APIv3 key,
12 bytes of nonce, the associated data in clear beside it.
"""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.clock import to_rfc3339
from infra.local.wechat.signature import SCHEME, Keys, lines, sign

_LETTERS = string.ascii_letters + string.digits
_SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One piece of news; every attempt to deliver it is encrypted and signed anew."""

    notify_id: str
    created_at: datetime
    event_type: str
    resource: Mapping[str, Any]

    @property
    def original_type(self) -> str:
        """``transaction`` or ``refund``."""
        return self.event_type.partition(".")[0].lower()


def body_of(letter: Letter, keys: Keys, *, spoil_ciphertext: bool = False) -> bytes:
    """The JSON body of one attempt, with a nonce of its own."""
    nonce = nonce_of(12)
    plain = json.dumps(letter.resource, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = bytearray(
        AESGCM(keys.api_v3_key).encrypt(nonce.encode(), plain, letter.original_type.encode())
    )
    if spoil_ciphertext:
        sealed[0] ^= 1
    body = {
        "id": letter.notify_id,
        "create_time": to_rfc3339(letter.created_at),
        "resource_type": "encrypt-resource",
        "event_type": letter.event_type,
        "summary": _SUMMARIES.get(letter.event_type, letter.event_type),
        "resource": {
            "original_type": letter.original_type,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": letter.original_type,
            "nonce": nonce,
        },
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def signed_headers(body: bytes, keys: Keys, at: datetime) -> dict[str, str]:
    """The ``Wechatpay-…`` headers of a notification or an answer with this body."""
    timestamp, nonce = str(int(at.timestamp())), nonce_of(32)
    return {
        "Wechatpay-Serial": keys.public_key_id,
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(lines(timestamp, nonce, body), keys.platform),
        "Wechatpay-Signature-Type": SCHEME,
    }


def nonce_of(length: int) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
