"""What a merchant's server sends, checked before any call sees it.

https://pay.weixin.qq.com/doc/v3/merchant/4012365336 (签名认证).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from infra.local.wechat.merchant import Merchant
from infra.local.wechat.refusal import bad_parameter, other_merchant, unsigned
from infra.local.wechat.signature import SCHEME, Keys, is_signed, lines

_T = TypeVar("_T")

CLOCK_TOLERANCE = timedelta(minutes=5)
_PAIR = re.compile(r'([a-z_]+)="([^"]*)"')
_NAMES = ("mchid", "serial_no", "timestamp", "nonce_str", "signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """A request as it travelled; ``target`` is path and query, byte for byte."""

    method: str
    target: str
    authorization: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantRequest:
    """A request that is the merchant's own. ``base_url`` is how it calls this platform."""

    base_url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    def content(self, shape: type[_T]) -> _T:
        """The body as ``shape``; the platform takes no parameter that it does not document.

        Raises
        ------
        Refusal
            ``PARAM_ERROR``: not a JSON object, or a field is missing, unknown or of another type.
        """
        try:
            return msgspec.json.decode(self.body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_parameter("body", str(error)) from error

    def parameters(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    def check_merchant(self, merchant: Merchant) -> None:
        """The query must name the merchant who signed.

        Raises
        ------
        Refusal
            ``PARAM_ERROR``: no ``mchid``. ``MCH_NOT_EXISTS``: another one.
        """
        mchid = self.query.get("mchid")
        if not mchid:
            raise bad_parameter("mchid", "为必填项")
        if mchid != merchant.mch_id:
            raise other_merchant()


def verify(request: RawRequest, keys: Keys, merchant: Merchant, now: datetime) -> None:
    """Refuse what is not provably the merchant's, or older than five minutes.

    Raises
    ------
    Refusal
        401 ``SIGN_ERROR``.
    """
    scheme, _, rest = request.authorization.partition(" ")
    if scheme != SCHEME:
        raise unsigned("Http头Authorization认证类型不正确")
    values = dict(_PAIR.findall(rest))
    for name in _NAMES:
        if not values.get(name):
            raise unsigned(f"Http头Authorization值格式错误，缺少 {name}")
    if values["mchid"] != merchant.mch_id:
        raise unsigned("商户号不存在")
    if values["serial_no"] != merchant.certificate_serial:
        raise unsigned("商户证书序列号有误")
    if not _is_recent(values["timestamp"], now):
        raise unsigned("Http头Authorization值中的timestamp与发起请求的时间不能超过5分钟")
    content = lines(
        request.method, request.target, values["timestamp"], values["nonce_str"], request.body
    )
    if not is_signed(content, values["signature"], keys.merchant):
        raise unsigned("错误的签名，验签失败")


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit()):
        return False
    return abs(int(timestamp) - now.timestamp()) <= CLOCK_TOLERANCE.total_seconds()
