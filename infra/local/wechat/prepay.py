"""Prepay orders (下单) of the three trade types.

https://pay.weixin.qq.com/doc/v3/merchant/4012791856 (JSAPI),
https://pay.weixin.qq.com/doc/v3/merchant/4012791834 (H5),
https://pay.weixin.qq.com/doc/v3/merchant/4012791877 (Native).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.clock import from_rfc3339
from chalicelib.money import Fen
from infra.local.wechat.ledger import Order, Prepay, TradeType
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import Refusal, bad_parameter
from infra.local.wechat.request import MerchantRequest

MIN_AHEAD = timedelta(seconds=60)
_MAX_DESCRIPTION_BYTES = 127
_MAX_ATTACH_BYTES = 128
_MAX_URL = 255
_OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_|*-]{6,32}", re.ASCII)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    re.ASCII,
)


class _Amount(msgspec.Struct, forbid_unknown_fields=True):
    total: int
    currency: str = "CNY"


class _Payer(msgspec.Struct, forbid_unknown_fields=True):
    openid: str


class _H5Info(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    app_name: str | None = None
    app_url: str | None = None
    bundle_id: str | None = None
    package_name: str | None = None


class _SceneInfo(msgspec.Struct, forbid_unknown_fields=True):
    payer_client_ip: str
    device_id: str | None = None
    store_info: dict[str, Any] | None = None


class _H5SceneInfo(_SceneInfo, kw_only=True):
    h5_info: _H5Info


class _Request(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    appid: str
    mchid: str
    description: str
    out_trade_no: str
    notify_url: str
    amount: _Amount
    time_expire: str | None = None
    attach: str | None = None
    goods_tag: str | None = None
    support_fapiao: bool | None = None
    detail: dict[str, Any] | None = None
    settle_info: dict[str, Any] | None = None


class _NativeRequest(_Request, kw_only=True):
    scene_info: _SceneInfo | None = None


class _JsapiRequest(_NativeRequest, kw_only=True):
    payer: _Payer


class _H5Request(_Request, kw_only=True):
    scene_info: _H5SceneInfo


def prepay_jsapi(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """``prepay_id`` for the bridge inside WeChat; it lives two hours.

    Raises
    ------
    Refusal
        As `_prepay`. ``PARAM_ERROR``: the app has no user of that openid.
    """
    content = request.content(_JsapiRequest)
    _check(platform, content)
    if not platform.payers.exists(content.payer.openid):
        raise bad_parameter("payer.openid", "无效的openid")
    prepay = _prepay(platform, request, content, TradeType.JSAPI, content.payer.openid)
    return {"prepay_id": prepay.prepay_id}


def prepay_h5(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """``h5_url`` of the middle page (中间页); it lives five minutes.

    Raises
    ------
    Refusal
        As `_prepay`.
    """
    content = request.content(_H5Request)
    _check(platform, content)
    prepay = _prepay(platform, request, content, TradeType.H5)
    query = f"prepay_id={prepay.prepay_id}&package={prepay.code}"
    return {"h5_url": f"{request.base_url}/cgi-bin/mmpayweb-bin/checkmweb?{query}"}


def prepay_native(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """``code_url`` for a QR code; it lives two hours.

    Raises
    ------
    Refusal
        As `_prepay`.
    """
    content = request.content(_NativeRequest)
    _check(platform, content)
    prepay = _prepay(platform, request, content, TradeType.NATIVE)
    return {"code_url": prepay.code_url}


def _prepay(
    platform: Platform,
    request: MerchantRequest,
    content: _Request,
    trade_type: TradeType,
    openid: str | None = None,
) -> Prepay:
    """Order, or order again.

    Raises
    ------
    Refusal
        ``PARAM_ERROR``: a field is missing, malformed or out of range. ``APPID_MCHID_NOT_MATCH``.
        ``ORDERPAID``, ``ORDER_CLOSED``, ``OUT_TRADE_NO_USED``: the number is taken.
    """
    return platform.ledger.prepay(
        Order(
            trade_type=trade_type,
            out_trade_no=content.out_trade_no,
            description=content.description,
            total=Fen(content.amount.total),
            time_expire=_time_expire(content.time_expire, platform.clock.now()),
            attach=content.attach,
            notify_url=content.notify_url,
            openid=openid,
            parameters=request.parameters(),
        )
    )


def _check(platform: Platform, content: _Request) -> None:
    merchant = platform.merchant
    if (content.appid, content.mchid) != (merchant.app_id, merchant.mch_id):
        raise Refusal(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    if _OUT_TRADE_NO.fullmatch(content.out_trade_no) is None:
        raise bad_parameter("out_trade_no", "只能是 6 到 32 位的数字、大小写字母、_-|*")
    if not 1 <= len(content.description.encode()) <= _MAX_DESCRIPTION_BYTES:
        raise bad_parameter("description", f"不能为空，且不超过 {_MAX_DESCRIPTION_BYTES} 字节")
    if len((content.attach or "").encode()) > _MAX_ATTACH_BYTES:
        raise bad_parameter("attach", f"不超过 {_MAX_ATTACH_BYTES} 字节")
    if content.amount.total <= 0:
        raise bad_parameter("amount.total", "必须大于 0")
    if content.amount.currency != "CNY":
        raise bad_parameter("amount.currency", "仅支持 CNY")
    check_notify_url(content.notify_url)


def check_notify_url(url: str) -> None:
    """The platform takes no parameters in it.

    Raises
    ------
    Refusal
        ``PARAM_ERROR``
    """
    if not url.startswith(("http://", "https://")) or len(url) > _MAX_URL:
        raise bad_parameter("notify_url", f"必须是 http(s) 地址，且不超过 {_MAX_URL} 个字符")
    if "?" in url:
        raise bad_parameter("notify_url", "不能携带参数")


def _time_expire(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    if _RFC3339.fullmatch(text) is None:
        raise bad_parameter("time_expire", "格式为 yyyy-MM-DDTHH:mm:ss+TIMEZONE")
    try:
        time_expire = from_rfc3339(text)
    except ValueError as error:
        raise bad_parameter("time_expire", "不是一个时间") from error
    if time_expire < now + MIN_AHEAD:
        raise bad_parameter("time_expire", "已过期，或距现在不足 1 分钟")
    return time_expire
