"""``alipay.trade.wap.pay`` (手机网站支付): https://docs.open.alipay.com/api_1/alipay.trade.wap.pay.

The request is a page that the payer's browser opens, so a refusal is a page too.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from chalicelib.clock import from_beijing_text
from chalicelib.money import fen_to_yuan_text, yuan_text_to_fen
from infra.local.alipay.platform import Platform
from infra.local.alipay.refusal import invalid_parameter
from infra.local.alipay.request import GatewayRequest
from infra.local.alipay.trade import Offer

METHOD = "alipay.trade.wap.pay"
PRODUCT_CODE = "QUICK_WAP_WAY"
MAX_FORM_AGE = timedelta(hours=6)
"""A form is submitted long after it was signed, and stays payable until its ``time_expire``.
The limit is below 8 hours, so that a clock that writes UTC is still found out."""

_OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_]{1,64}", re.ASCII)
_MAX_FEN = 100_000_000 * 100
_UNFIT_FOR_SUBJECT = frozenset("/=&")


class _Content(msgspec.Struct):
    out_trade_no: str
    total_amount: str | int | float
    subject: str
    product_code: str
    time_expire: str | None = None
    timeout_express: str | None = None
    seller_id: str | None = None
    quit_url: str = ""
    body: str | None = None
    passback_params: str | None = None


def offer_of(platform: Platform, request: GatewayRequest) -> Offer:
    """What the request asks the payer for.

    Raises
    ------
    Refusal
        ``ACQ.INVALID_PARAMETER``: a field is missing, malformed or out of range.
    """
    content = request.content(_Content)
    if content.product_code != PRODUCT_CODE:
        raise invalid_parameter("product_code", f"必须为 {PRODUCT_CODE}")
    if content.seller_id not in (None, platform.merchant.seller_id):
        raise invalid_parameter("seller_id", "与签约账号不一致")
    if content.timeout_express is not None:
        raise invalid_parameter("timeout_express", "模拟器不支持，请使用 time_expire")
    if _OUT_TRADE_NO.fullmatch(content.out_trade_no) is None:
        raise invalid_parameter("out_trade_no", "只能是 1 到 64 位的字母、数字、下划线")
    return Offer(
        out_trade_no=content.out_trade_no,
        total_amount=_amount(str(content.total_amount)),
        subject=_subject(content.subject),
        body=content.body,
        passback_params=content.passback_params,
        time_expire=_time_expire(content.time_expire, platform.clock.now()),
        quit_url=content.quit_url,
        notify_url=request.notify_url,
        return_url=request.return_url,
    )


def _amount(text: str) -> str:
    try:
        fen = yuan_text_to_fen(text)
    except ValueError as error:
        raise invalid_parameter("total_amount", "单位为元，最多两位小数") from error
    if not 1 <= fen <= _MAX_FEN:
        raise invalid_parameter("total_amount", "取值范围为 0.01 到 100000000")
    return fen_to_yuan_text(fen)


def _subject(text: str) -> str:
    if not text.strip() or len(text) > 256:
        raise invalid_parameter("subject", "不能为空，且不超过 256 个字符")
    if _UNFIT_FOR_SUBJECT & set(text):
        raise invalid_parameter("subject", "不可使用特殊字符，如 /，=，&")
    return text


def _time_expire(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        time_expire = from_beijing_text(text)
    except ValueError as error:
        raise invalid_parameter("time_expire", "格式为 yyyy-MM-dd HH:mm:ss") from error
    if time_expire <= now:
        raise invalid_parameter("time_expire", "已过期。订单参数异常，请重新下单后再发起付款")
    return time_expire
