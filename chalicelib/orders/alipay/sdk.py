"""The only importer of ``alipay``: python-alipay-sdk with its holes closed.

* Importing it resets the logging of the whole process; here it does not.
* It cuts the signed text out of an answer by counting braces, and miscounts those inside strings;
  here a JSON parser finds the end.
* It waits for each byte anew and asks whatever proxy the environment names; here an answer has
  one time limit, and only the gateway itself is asked.

It raises ten unrelated kinds of exceptions; its caller has to treat them all alike.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import types
from collections.abc import Mapping
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.orders.http_client.exchange import NoAnswer, fetch
from chalicelib.settings import SettingsError


def _loggers_that_configure_nothing() -> types.ModuleType:
    module = types.ModuleType("alipay.loggers")
    module.__dict__["logger"] = logging.getLogger("python-alipay-sdk")
    return module


# The SDK's own ``loggers`` calls logging.config.dictConfig at import: it closes every handler of
# the process and adds one that prints at DEBUG. This module takes its place.
sys.modules.setdefault("alipay.loggers", _loggers_that_configure_nothing())

from alipay import AliPay  # noqa: E402  after its replacement
from alipay.exceptions import AliPayException  # noqa: E402

SIGN_TYPE = "RSA2"
_ANSWER_LIMIT_BYTES = 1024 * 1024
_CODE = re.compile(r"[0-9]{5}|[A-Za-z]{2,8}\.[A-Za-z._-]{1,60}", re.ASCII)


class AlipaySdk(AliPay):  # type: ignore[misc]  # no type information is published
    """Signs requests, verifies messages, asks the gateway; safe to use from several threads."""

    def __init__(self, app_id: str, private_key: str, public_key: str, gateway_url: str) -> None:
        try:
            super().__init__(
                appid=app_id,
                app_private_key_string=private_key,
                alipay_public_key_string=public_key,
                sign_type=SIGN_TYPE,
            )
        except (ValueError, IndexError, TypeError):
            raise SettingsError(
                "alipay_app_private_key or alipay_public_key is not an RSA key in PEM"
            ) from None
        self._gateway = gateway_url

    def signed(self, fields: Mapping[str, str], *, with_sign_type: bool = False) -> bool:
        """Whether ``sign`` is Alipay's signature of the other fields, exactly as they came."""
        unsigned = {name: value for name, value in fields.items() if name != "sign"}
        try:
            if with_sign_type:
                text = "&".join(f"{name}={value}" for name, value in sorted(unsigned.items()))
                return bool(self._verify(text, fields["sign"]))
            return bool(self.verify(unsigned, fields["sign"]))
        except Exception:  # noqa: BLE001  malformed base64, no sign, ...: not a signature
            return False

    def ask(
        self, method: str, content: dict[str, object], timestamp: str, limit: Deadline
    ) -> dict[str, Any]:
        """The signed part of the answer to a request; raises almost anything."""
        request = self.sign_data(self.build_body(method, content, timestamp=timestamp))
        body = fetch(f"{self._gateway}?{request}", limit=limit, most_bytes=_ANSWER_LIMIT_BYTES)
        answer: dict[str, Any] = self._verify_and_return_sync_response(
            body.decode("utf-8"), f"{method.replace('.', '_')}_response"
        )
        return answer

    def _get_string_to_be_signed(self, raw_string: str, response_type: str) -> str:
        """The text of the answer's object as it was sent, found by a JSON parser."""
        start = raw_string.index("{", raw_string.index(f'"{response_type}"'))
        _, end = json.JSONDecoder().raw_decode(raw_string, start)
        return raw_string[start:end]


def as_code(text: str) -> str:
    """``text`` if it looks like a code of Alipay; blank if it could be anything else."""
    return text if _CODE.fullmatch(text) else ""


def described(error: Exception) -> str:
    """What failed, without the answer that it failed on: that may tell who the buyer is."""
    kind = type(error).__name__
    if isinstance(error, AliPayException):
        return f"{kind} {as_code(str(getattr(error, '_AliPayException__code', '')))}".strip()
    return str(error) if isinstance(error, NoAnswer) else kind
