"""What arrives at ``/gateway.do``, checked in the gateway's order before any method sees it.

https://opendocs.alipay.com/open/common/105806 lists the refusals.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from chalicelib.clock import from_beijing_text
from infra.local.alipay.refusal import invalid, invalid_parameter, missing
from infra.local.alipay.signature import Keys, is_signed, text_of_request

_T = TypeVar("_T")

CLOCK_TOLERANCE = timedelta(minutes=15)
# how the codes call the parameters that must be there, in the order in which they are asked for
_REQUIRED = {
    "method": "method",
    "sign": "signature",
    "sign_type": "signature-type",
    "app_id": "app-id",
    "timestamp": "timestamp",
    "version": "version",
    "charset": "charset",
    "biz_content": "biz-content",
}


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A request that is the merchant's own, in form and signature."""

    method: str
    biz_content: str
    notify_url: str
    return_url: str

    def content(self, shape: type[_T]) -> _T:
        """``biz_content`` as ``shape``; fields that the simulator does not know are ignored.

        Raises
        ------
        Refusal
            ``ACQ.INVALID_PARAMETER``: not a JSON object, or a field is missing or of another type.
        """
        try:
            return msgspec.json.decode(self.biz_content, type=shape)
        except msgspec.DecodeError as error:
            raise invalid_parameter("biz_content", str(error)) from error

    @property
    def out_trade_no(self) -> str:
        """The trade it is about, as far as it says so."""
        try:
            content = json.loads(self.biz_content)
        except ValueError:
            return ""
        return str(content.get("out_trade_no", "")) if isinstance(content, dict) else ""


def merged(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Query and form as one set; a name may come twice (``charset`` does) if its value is the same.

    Raises
    ------
    Refusal
        One name, two values.
    """
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if parameters.setdefault(name, value) != value:
            raise invalid("parameter", f"参数重复：{name}")
    return parameters


def verified(
    parameters: Mapping[str, str],
    *,
    keys: Keys,
    app_id: str,
    now: datetime,
    max_age: timedelta = CLOCK_TOLERANCE,
) -> GatewayRequest:
    """The request in ``parameters``, if the gateway lets it through.

    ``timestamp`` is Beijing time, at most ``max_age`` old and `CLOCK_TOLERANCE` ahead: a clock
    that writes UTC is 8 hours off and refused.

    Raises
    ------
    Refusal
        ``isv.missing-…`` or ``isv.invalid-…``.
    """
    for name, code_name in _REQUIRED.items():
        if not parameters.get(name):
            raise missing(code_name, name)
    if parameters["app_id"] != app_id:
        raise invalid("app-id", "无效的AppID参数", signed=False)
    _check_public_parameters(parameters, now, max_age)
    text = text_of_request(parameters)
    if not is_signed(text, parameters["sign"], keys.merchant):
        raise invalid(
            "signature",
            "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为："
            + text,
        )
    return GatewayRequest(
        method=parameters["method"],
        biz_content=parameters["biz_content"],
        notify_url=_url(parameters, "notify_url"),
        return_url=_url(parameters, "return_url"),
    )


def _check_public_parameters(
    parameters: Mapping[str, str], now: datetime, max_age: timedelta
) -> None:
    if parameters["sign_type"] != "RSA2":
        raise invalid("signature-type", "无效的签名类型")
    if parameters["charset"].lower() != "utf-8":
        raise invalid("charset", "字符集错误")
    if parameters["version"] != "1.0":
        raise invalid("version", "无效的版本号")
    if parameters.get("format", "JSON").upper() != "JSON":
        raise invalid("format", "无效的数据格式")
    if not _is_recent(parameters["timestamp"], now, max_age):
        raise invalid("timestamp", "非法的时间戳参数")


def _is_recent(timestamp: str, now: datetime, max_age: timedelta) -> bool:
    try:
        sent_at = from_beijing_text(timestamp)
    except ValueError:
        return False
    return -CLOCK_TOLERANCE <= now - sent_at <= max_age


def _url(parameters: Mapping[str, str], name: str) -> str:
    url = parameters.get(name, "")
    if url and not (url.startswith(("http://", "https://")) and len(url) <= 256):
        raise invalid_parameter(name, "必须以 http:// 或 https:// 开头，且不超过 256 个字符")
    if "?" in url:
        # https://opendocs.alipay.com/support/01raw3
        raise invalid_parameter(name, "不可带自定义参数")
    return url
