"""The bill of a Beijing day."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.clock import BEIJING
from infra.local.wechat.payers import TEST_PAYER
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.merchant import NO, WechatMerchant, code_of


@pytest.fixture
def day(clock: ShiftedClock) -> date:
    """The platform's clock stands at noon of this day in Beijing."""
    day = datetime.now(BEIJING).date() + timedelta(days=1)
    noon = datetime.combine(day, datetime.min.time(), BEIJING) + timedelta(hours=12)
    clock.ahead = noon - datetime.now(UTC)
    return day


def target(day: date | str, more: str = "") -> str:
    return f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL{more}"


def downloaded(school: WechatMerchant, day: date, more: str = "") -> bytes:
    answer = school.send("GET", target(day, more)).raise_for_status().json()
    assert answer["hash_type"] == "SHA1"
    path = answer["download_url"].removeprefix(school.url)
    content = school.send("GET", path).raise_for_status().content
    bill = gzip.decompress(content) if more else content
    assert hashlib.sha1(bill, usedforsecurity=False).hexdigest() == answer["hash_value"]
    return bill


def test_a_bill_lists_payments_and_refunds_and_sums_them_up(
    school: WechatMerchant, clock: ShiftedClock, day: date
) -> None:
    paid = school.paid(attach="x")
    refund = school.refund(refund=300).json()
    clock.ahead += timedelta(days=1)
    lines = downloaded(school, day).decode("utf-8-sig").splitlines()
    header, payment, refunded, sums_header, sums = lines
    assert header.startswith("交易时间,公众账号ID,商户号,特约商户号")
    assert sums_header.startswith("总交易单数,应结订单总金额")
    assert all(
        cell.startswith("`") for line in (payment, refunded, sums) for cell in line.split(",")
    )
    names = header.split(",")
    bought = dict(zip(names, payment.split(",`"), strict=True))
    assert {
        "商户订单号": NO,
        "微信订单号": paid["transaction_id"],
        "用户标识": TEST_PAYER,
        "交易类型": "JSAPI",
        "交易状态": "SUCCESS",
        "订单金额": "9.90",
        "应结订单金额": "9.90",
        "微信退款单号": "0",
        "商品名称": "Java 编程思想",
        "商户数据包": "x",
        "手续费": "0.06000",
    }.items() <= bought.items()
    returned = dict(zip(names, refunded.split(",`"), strict=True))
    assert {
        "交易状态": "REFUND",
        "商户退款单号": "refund-1",
        "微信退款单号": refund["refund_id"],
        "退款金额": "3.00",
        "申请退款金额": "3.00",
        "退款类型": "ORIGINAL",
        "退款状态": "SUCCESS",
        "手续费": "-0.02000",
    }.items() <= returned.items()
    assert sums == "`2,`9.90,`3.00,`0.00,`0.04000,`9.90,`3.00"


def test_a_bill_holds_one_beijing_day(
    school: WechatMerchant, clock: ShiftedClock, day: date
) -> None:
    school.paid("first-1001")
    clock.ahead += timedelta(hours=11, minutes=58)
    school.paid("last-1001")
    clock.ahead += timedelta(minutes=4)
    school.paid("next-1001")
    clock.ahead += timedelta(hours=12)
    text = downloaded(school, day).decode()
    assert ("first-1001" in text, "last-1001" in text, "next-1001" in text) == (True, True, False)


def test_a_bill_may_come_compressed(school: WechatMerchant, clock: ShiftedClock, day: date) -> None:
    school.paid()
    clock.ahead += timedelta(days=1)
    assert NO in downloaded(school, day, "&tar_type=GZIP").decode()


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(hours=21)])
def test_a_bill_is_made_at_ten_the_next_day(
    school: WechatMerchant, clock: ShiftedClock, day: date, later: timedelta
) -> None:
    school.paid()
    clock.ahead += later
    assert code_of(school.send("GET", target(day))) == (400, "STATEMENT_CREATING")


def test_a_day_without_payments_has_no_bill(school: WechatMerchant, day: date) -> None:
    before = day - timedelta(days=3)
    assert code_of(school.send("GET", target(before))) == (400, "NO_STATEMENT_EXIST")


def test_a_bill_is_kept_three_months(school: WechatMerchant, day: date) -> None:
    before = day - timedelta(days=100)
    assert code_of(school.send("GET", target(before))) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("text", ["", "20261101", "2026-13-01", "2026-1-1"])
def test_a_malformed_day_is_refused(school: WechatMerchant, text: str) -> None:
    assert code_of(school.send("GET", target(text))) == (400, "PARAM_ERROR")


def test_a_download_is_signed_for_and_lives_five_minutes(
    school: WechatMerchant, clock: ShiftedClock, day: date
) -> None:
    school.paid()
    clock.ahead += timedelta(days=1)
    url = school.send("GET", target(day)).json()["download_url"]
    assert school.http.get(url).status_code == 401
    clock.ahead += timedelta(minutes=5, seconds=1)
    assert code_of(school.send("GET", url.removeprefix(school.url))) == (400, "INVALID_REQUEST")
