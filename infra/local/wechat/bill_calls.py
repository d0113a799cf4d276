"""申请交易账单 and its download: https://pay.weixin.qq.com/doc/v3/merchant/4012791867."""

from __future__ import annotations

import gzip
import re
from datetime import date, datetime, time, timedelta
from typing import Any

from chalicelib.clock import BEIJING
from infra.local.wechat.bill import bill_of, hash_of
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import Refusal, against_rules, bad_parameter
from infra.local.wechat.request import MerchantRequest

READY_AT = time(10)
"""Beijing time of the next day at which a bill is there."""
KEPT = timedelta(days=92)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def tradebill(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """Where the bill of one Beijing day can be had for five minutes, and its hash.

    Raises
    ------
    Refusal
        ``PARAM_ERROR``, ``INVALID_REQUEST``: the query is malformed, or the day too long ago.
        ``STATEMENT_CREATING``: before 10:00 of the next day. ``NO_STATEMENT_EXIST``: nothing
        was paid or refunded.
    """
    day = _day(request.query.get("bill_date", ""))
    if request.query.get("bill_type", "ALL") != "ALL":
        raise bad_parameter("bill_type", "模拟器仅支持 ALL")
    tar_type = request.query.get("tar_type", "")
    if tar_type not in ("", "GZIP"):
        raise bad_parameter("tar_type", "只能是 GZIP")
    _check_ready(day, platform.clock.now())
    bill = _bill(platform, day)
    token = platform.bills.keep(bill)
    tar = "&tartype=gzip" if tar_type else ""
    return {
        "hash_type": "SHA1",
        "hash_value": hash_of(bill),
        "download_url": f"{request.base_url}/v3/billdownload/file?token={token}{tar}",
    }


def billdownload(platform: Platform, request: MerchantRequest) -> bytes:
    """The file itself.

    Raises
    ------
    Refusal
        ``INVALID_REQUEST``: the token is unknown or too old.
    """
    bill = platform.bills.find(request.query.get("token", ""))
    if bill is None:
        raise against_rules("下载地址已失效，请重新申请账单")
    return gzip.compress(bill, mtime=0) if request.query.get("tartype") == "gzip" else bill


def _bill(platform: Platform, day: date) -> bytes:
    paid = [t for t in platform.ledger.trades() if t.paid_at and _is_on(t.paid_at, day)]
    refunded = [r for r in platform.refunds.all() if _is_on(r.created_at, day)]
    if not paid and not refunded:
        raise Refusal(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    return bill_of(platform.merchant, paid, refunded)


def _is_on(moment: datetime, day: date) -> bool:
    return moment.astimezone(BEIJING).date() == day


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise bad_parameter("bill_date", "格式为 yyyy-MM-DD") from error


def _check_ready(day: date, now: datetime) -> None:
    if now < datetime.combine(day + timedelta(days=1), READY_AT, BEIJING):
        raise Refusal(400, "STATEMENT_CREATING", "账单生成中")
    if now > datetime.combine(day, time(), BEIJING) + KEPT:
        raise against_rules("仅支持三个月内的账单")
