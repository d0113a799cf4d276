"""The only importer of ``wechatpayv3``, in public-key mode and with its holes closed.

The SDK holds the keys, signs, verifies and decrypts. What it does beyond that is switched off:

* For the serial number of an unknown key it downloads ``/v3/certificates``, in the middle of a
  notification that anybody can forge, and trusts what it got from then on. Here only our own
  ``PUB_KEY_ID_…`` reaches it, and there is nothing to download.
* It takes a signature of any age; here five minutes. (A message that comes twice within them is
  for ``settle`` to know again.)
* It looks for the headers under three spellings, fails on a fourth, and lets the sender choose
  which; here it sees the five that count.
* It cannot do without ``Wechatpay-Signature-Type``, which not every message has.
* Its own HTTP client knows no time limit, and re-serialises what it sends; here
  ours sends the bytes that were signed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from wechatpayv3.core import Core
from wechatpayv3.utils import rsa_verify

from chalicelib.settings import SettingsError

_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_API_V3_KEY_BYTES = 32
_TOLERANCE = timedelta(minutes=5)
_SERIAL, _TIMESTAMP = "wechatpay-serial", "wechatpay-timestamp"
_REQUIRED = (_SERIAL, _TIMESTAMP, "wechatpay-nonce", "wechatpay-signature")
_SIGNATURE_TYPE = "wechatpay-signature-type"


class NotSigned(ValueError):
    """Not provably WeChat's own fresh words; the text says why, and nothing of them."""


class WeChatSdk(Core):  # type: ignore[misc]  # no type information is published
    """Signs requests, verifies and decrypts messages; safe to use from several threads."""

    def __init__(
        self,
        *,
        mch_id: str,
        cert_serial: str,
        merchant_private_key: str,
        public_key: str,
        public_key_id: str,
        api_v3_key: str,
    ) -> None:
        if not public_key_id:
            raise SettingsError("wechat_public_key_id is empty")
        if len(api_v3_key.encode()) != _API_V3_KEY_BYTES:
            raise SettingsError(f"wechat_api_v3_key has not {_API_V3_KEY_BYTES} bytes")
        if not self._loaded(
            mchid=mch_id,
            cert_serial_no=cert_serial,
            # the SDK takes a header that ends with CR LF for none, and adds another
            private_key=merchant_private_key.replace("\r\n", "\n"),
            apiv3_key=api_v3_key,
            public_key=public_key.replace("\r\n", "\n"),
            public_key_id=public_key_id,
        ):
            raise SettingsError(
                "wechat_private_key is not an RSA key in PKCS#8 PEM, or wechat_public_key is not"
                " an RSA key in PEM"
            )
        if rsa_verify("0", "0", "0", self.sign(["0", "0", "0"]), self._public_key):
            raise SettingsError(
                "wechat_public_key belongs to wechat_private_key, not to WeChat Pay"
            )

    def _loaded(self, **arguments: str) -> bool:
        """Whether the keys are of the kind that is needed; a failure may not show them."""
        try:
            super().__init__(**arguments)
            # keys of another algorithm load as well, and fail at their first use
            rsa_verify("0", "0", "0", self.sign(["0"]), self._public_key)
        except Exception:  # noqa: BLE001  the SDK raises bare exceptions, None has no methods
            return False
        return self._private_key is not None

    def authorization(self, method: str, target: str, body: str, now: datetime) -> str:
        """The ``Authorization`` header of a request; ``target`` is path and query as they travel.

        https://pay.weixin.qq.com/doc/v3/merchant/4012365336
        """
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        signature = self.sign([method, target, timestamp, nonce, body])
        return (
            f'{_SCHEME} mchid="{self._mchid}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{timestamp}",serial_no="{self._cert_serial_no}"'
        )

    def bridge_parameters(self, app_id: str, prepay_id: str, now: datetime) -> dict[str, str]:
        """What ``getBrandWCPayRequest`` takes (https://pay.weixin.qq.com/doc/v3/merchant/4012791857)."""
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        return {
            "appId": app_id,
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": str(self.sign([app_id, timestamp, nonce, package])),
        }

    def claims_our_key(self, headers: Mapping[str, str]) -> bool:
        """Whether a message (header names in lower case) says that it is signed with our key."""
        return bool(headers.get(_SERIAL) == self._public_key_id)

    def check_signed(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Header names in lower case, and the body as it came.

        https://pay.weixin.qq.com/doc/v3/merchant/4013053249; a probe whose signature begins with
        ``WECHATPAY/SIGNTEST/`` is a wrong signature like any other.

        Raises
        ------
        NotSigned
            A header is missing, the key is another one, the message is older than five minutes (or
            that far ahead), or the signature is wrong.
        """
        for name in _REQUIRED:
            if not headers.get(name):
                raise NotSigned(f"{name} is missing")
        if not self.claims_our_key(headers):
            raise NotSigned("it is signed with another key")
        if not _is_recent(headers[_TIMESTAMP], now):
            raise NotSigned("it is stale")
        try:
            is_signed = self._verify_signature(_signature_of(headers), body.decode())
        except Exception:  # noqa: BLE001  not UTF-8, not base64, another algorithm
            is_signed = False
        if not is_signed:
            raise NotSigned("the signature is wrong")

    def opened(self, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        """A notification with its ``resource`` decrypted; both are JSON objects.

        Raises
        ------
        NotSigned
            As `check_signed`, or it cannot be decrypted with our APIv3 key.
        """
        self.check_signed(headers, body, now)
        try:
            content = self.callback(_signature_of(headers), body)
        except Exception:  # noqa: BLE001  another algorithm, no JSON, no base64
            content = None
        if not isinstance(content, dict) or not isinstance(content.get("resource"), dict):
            raise NotSigned("it is signed, and cannot be decrypted with our APIv3 key")
        return content

    def request(self, *_: object, **__: object) -> NoReturn:
        """The SDK's own HTTP client is not used."""
        raise NotImplementedError

    def _update_certificates(self) -> None:
        """There are none in public-key mode."""


def _signature_of(headers: Mapping[str, str]) -> dict[str, str]:
    return {_SIGNATURE_TYPE: headers.get(_SIGNATURE_TYPE) or _SCHEME} | {
        name: headers[name] for name in _REQUIRED
    }


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(int(timestamp) - now.timestamp()) <= _TOLERANCE.total_seconds()
