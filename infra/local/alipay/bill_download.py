"""``alipay.data.dataservice.bill.downloadurl.query`` (查询对账单下载地址), and the download.

https://opendocs.alipay.com/open/02ekfu. The codes are those that the gateway really answers,
without ``ACQ.``: ``isp.bill_not_exist``, ``isv.invalid_arguments``.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from flask import Blueprint, Response, request, url_for

from chalicelib.clock import BEIJING
from infra.local.alipay.bill import bill, lines_of
from infra.local.alipay.platform import Platform
from infra.local.alipay.refusal import failed
from infra.local.alipay.request import GatewayRequest

READY_HOUR = 9
"""Beijing time; the bill of a day is there from this hour of the next day on."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class _Content(msgspec.Struct):
    bill_type: str
    bill_date: str


def bill_download_url(platform: Platform, call: GatewayRequest) -> dict[str, Any]:
    """Where the bill of a day can be fetched in the next 30 seconds.

    Raises
    ------
    Refusal
        ``isv.invalid_arguments``: not a day, a day to come, or not the ``trade`` bill.
        ``isp.bill_not_exist``: the bill is not made yet, or nothing happened on that day.
    """
    content = call.content(_Content)
    day = _day(content.bill_date)
    now = platform.clock.now().astimezone(BEIJING)
    if content.bill_type != "trade" or day is None or day > now.date():
        raise failed("isv.invalid_arguments", "入参不合法")
    if now < _ready_at(day) or not lines_of(platform.ledger.trades(), day):
        raise failed("isp.bill_not_exist", "账单不存在")
    name = f"{platform.merchant.seller_id}0156_{day:%Y%m%d}.csv.zip"
    ticket = platform.bills.ticket_for(day)
    url = url_for("bills.download", fileId=ticket, downloadFileName=name, _external=True)
    return {"bill_download_url": url}


def bills(platform: Platform) -> Blueprint:
    """The download: no signature, whoever has the address gets the file."""
    routes = Blueprint("bills", __name__)

    @routes.get("/downloadBillFile.resource")
    def download() -> Response:
        day = platform.bills.day_of(request.args.get("fileId", ""))
        if day is None:
            return Response("下载链接已失效", 403, content_type="text/plain;charset=utf-8")
        lines = lines_of(platform.ledger.trades(), day)
        file = bill(lines, platform.merchant.seller_id, day, platform.clock.now())
        return Response(file, content_type="application/zip")

    return routes


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _ready_at(day: date) -> datetime:
    midnight = datetime.combine(day, datetime.min.time(), BEIJING)
    return midnight + timedelta(days=1, hours=READY_HOUR)
