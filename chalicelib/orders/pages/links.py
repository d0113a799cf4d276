"""Signed texts: who holds one may do what it names, until it expires.

The text is ``<key id>.<expiry>.<mac>``: the id of the key, seconds since 1970, and HMAC-SHA256 in
base64url without padding. The MAC covers purpose, subject, expiry and key id, each with its
length, so that no two sets of them read alike.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from chalicelib.clock import Clock
from chalicelib.errors import InvalidLink
from chalicelib.orders.model import PayNo
from chalicelib.settings import SettingsError

Purpose = Literal["pay", "open", "oauth"]
"""What a signature is for, and what its subject is.

``pay``: the link in a QR code, a pay_no. ``open``: the token in the cashier page, a pay_no.
``oauth``: a browser's ticket for the way through WeChat's OAuth (`oauth_ticket`).
"""

_FORM = re.compile(r"([A-Za-z0-9_-]{1,32})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_KEY_BYTES = 32


class LinkSigner:
    """Signs with its last key and accepts all of its keys, so that keys can be rotated."""

    def __init__(self, keys: Mapping[str, bytes], clock: Clock) -> None:
        """Take ``keys`` in order, newest last.

        Raises
        ------
        SettingsError
            There is no key, an id is not 1 to 32 letters, digits, ``_`` or ``-``, or a key has
            fewer than 32 bytes.
        """
        if not keys:
            raise SettingsError("link_keys has no key")
        for key_id, key in keys.items():
            if _KEY_ID.fullmatch(key_id) is None or len(key) < _KEY_BYTES:
                raise SettingsError("link_keys: an id is malformed, or a key is under 32 bytes")
        self._keys = dict(keys)
        self._signing_id = next(reversed(self._keys))
        self._clock = clock

    @classmethod
    def from_secret(cls, text: str, clock: Clock) -> LinkSigner:
        """Read the secret ``link_keys``: a JSON object of key ids and keys in hex, newest last.

        Raises
        ------
        SettingsError
            It is something else; the message shows nothing of it.
        """
        try:
            keys = {key_id: bytes.fromhex(key) for key_id, key in json.loads(text).items()}
        except (ValueError, TypeError, AttributeError):
            raise SettingsError("link_keys is not a JSON object of key ids and hex keys") from None
        return cls(keys, clock)

    def sign(self, purpose: Purpose, subject: str, expires_at: datetime) -> str:
        """The signature that lets its holder do ``purpose`` with ``subject`` until ``expires_at``.

        The same arguments give the same text as long as the signing key stays.
        """
        expiry = str(int(expires_at.timestamp()))
        mac = self._mac(self._signing_id, purpose, subject, expiry)
        return f"{self._signing_id}.{expiry}.{mac}"

    def check(self, purpose: Purpose, subject: str, text: str) -> None:
        """Accept ``text`` for ``purpose`` and ``subject``, or refuse it.

        Raises
        ------
        InvalidLink
            Missing, malformed, signed for something else or by an unknown key, or expired. The
            payer reads the same message for each; ``detail`` tells them apart.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise InvalidLink(detail="malformed")
        key_id, expiry, mac = match.groups()
        if key_id not in self._keys:
            raise InvalidLink(detail=f"unknown key {key_id}")
        if not hmac.compare_digest(self._mac(key_id, purpose, subject, expiry), mac):
            raise InvalidLink(detail="wrong signature")
        if self._clock.now().timestamp() >= int(expiry):
            raise InvalidLink(detail="expired")

    def _mac(self, key_id: str, purpose: Purpose, subject: str, expiry: str) -> str:
        parts = (
            part.encode("utf-8", "surrogatepass") for part in (purpose, subject, expiry, key_id)
        )
        message = b"".join(b"%d:%b," % (len(part), part) for part in parts)
        digest = hmac.new(self._keys[key_id], message, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def payment_url(base: str, pay_no: PayNo, sign: str) -> str:
    """What the QR code holds: the cashier page of an attempt; ``base`` has no slash at its end."""
    return signed_url(f"{base}/orders/requestpay", pay_no, sign)


def signed_url(address: str, pay_no: PayNo, sign: str) -> str:
    """``address`` with ``payNo`` and ``sign`` added to the query that it may have."""
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode({'payNo': pay_no, 'sign': sign})}"
