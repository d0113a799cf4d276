from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest

from tests.integration.simulators.alipay_by_hand import AlipayByHand
from tests.integration.simulators.merchant import SELLER_ID

METHOD = "alipay.data.dataservice.bill.downloadurl.query"
DAY = "2026-03-01"


def ask(alipay: AlipayByHand, bill_date: str = DAY, bill_type: str = "trade") -> dict[str, Any]:
    return alipay.ask(METHOD, bill_type=bill_type, bill_date=bill_date)


def tables(alipay: AlipayByHand, bill_date: str = DAY) -> dict[str, list[str]]:
    """The lines of each table in a bill, by the end of its name."""
    response = alipay.client.get(ask(alipay, bill_date)["bill_download_url"])
    assert response.status_code == 200
    with zipfile.ZipFile(io.BytesIO(response.data), metadata_encoding="gbk") as archive:
        return {
            name.partition("_业务明细")[2]: archive.read(name).decode("gbk").splitlines()
            for name in archive.namelist()
        }


def rows(lines: list[str]) -> list[dict[str, str]]:
    """The data of a table."""
    data = [line for line in lines if not line.startswith("#")]
    return [{name: cell.strip() for name, cell in row.items()} for row in csv.DictReader(data)]


@pytest.fixture
def alipay(by_hand: AlipayByHand) -> AlipayByHand:
    """A day with two payments and a refund, seen from the next morning."""
    by_hand.pay("1001")
    by_hand.pay("1002", subject="Go，𠮷", total_amount="20")
    content = {"out_trade_no": "1001", "refund_amount": "1.50", "out_request_no": "r1"}
    by_hand.clock.advance(hours=1)
    by_hand.ask("alipay.trade.refund", **content)
    by_hand.log_in("1003")
    by_hand.clock.advance(hours=20)
    return by_hand


def test_the_details_hold_payments_and_refunds_of_the_day(alipay: AlipayByHand) -> None:
    first, second, back = rows(tables(alipay)[".csv"])
    assert (first["商户订单号"], first["业务类型"], first["商家实收（元）"]) == (
        "1001",
        "交易",
        "9.90",
    )
    assert first["完成时间"] == "2026-03-01 12:00:00"
    assert len(first["支付宝交易号"]) == 28
    assert (second["订单金额（元）"], second["商品名称"]) == ("20.00", "Go，?")
    assert (back["商户订单号"], back["业务类型"], back["商家实收（元）"]) == (
        "1001",
        "退款",
        "-1.50",
    )
    assert back["退款批次号/请求号"] == "r1"
    assert back["完成时间"] == "2026-03-01 13:00:00"


def test_the_summary_adds_up(alipay: AlipayByHand) -> None:
    (total,) = rows(tables(alipay)["(汇总).csv"])
    assert (total["门店编号"], total["交易订单总笔数"], total["退款订单总笔数"]) == (
        "合计",
        "2",
        "1",
    )
    assert total["实收净额（元）"] == "28.40"


def test_lines_that_are_no_data_begin_with_a_hash(alipay: AlipayByHand) -> None:
    lines = tables(alipay)[".csv"]
    assert lines[0] == "#支付宝业务明细查询"
    assert lines[1] == f"#账号：[{SELLER_ID}0156]"
    days = "#起始日期：[2026年03月01日 00:00:00]   终止日期：[2026年03月02日 00:00:00]"
    assert lines[2] == days
    assert "#交易合计：2笔，商家实收共29.90元，商家优惠共0.00元" in lines
    assert "#退款合计：1笔，商家实收退款共-1.50元，商家优惠退款共0.00元" in lines


def test_the_names_in_the_zip_are_gbk_and_say_nothing_of_utf8(alipay: AlipayByHand) -> None:
    response = alipay.client.get(ask(alipay)["bill_download_url"])
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert [member.flag_bits & 0x800 for member in archive.infolist()] == [0, 0]
    assert f"{SELLER_ID}0156_20260301_业务明细(汇总).csv".encode("gbk") in response.data


def test_a_refund_counts_on_its_own_day(alipay: AlipayByHand) -> None:
    content = {"out_trade_no": "1002", "refund_amount": "20"}
    alipay.ask("alipay.trade.refund", **content)
    trade_no = alipay.ask("alipay.trade.query", out_trade_no="1002")["trade_no"]
    alipay.clock.advance(days=1)
    (back,) = rows(tables(alipay, "2026-03-02")[".csv"])
    assert (back["商家实收（元）"], back["退款批次号/请求号"]) == ("-20.00", trade_no)
    assert len(rows(tables(alipay)[".csv"])) == 3


def test_a_day_ends_at_midnight_in_beijing(by_hand: AlipayByHand) -> None:
    by_hand.clock.advance(hours=11, minutes=59, seconds=59)
    by_hand.pay("1001")
    by_hand.clock.advance(seconds=1)
    by_hand.pay("1002")
    by_hand.clock.advance(days=2)
    for day, number in ((DAY, "1001"), ("2026-03-02", "1002")):
        (line,) = rows(tables(by_hand, day)[".csv"])
        assert line["商户订单号"] == number


def test_the_address_is_good_for_30_seconds(alipay: AlipayByHand) -> None:
    url = ask(alipay)["bill_download_url"]
    assert "downloadFileName=20880000000000010156_20260301.csv.zip" in url
    alipay.clock.advance(seconds=29)
    assert alipay.client.get(url).status_code == 200
    alipay.clock.advance(seconds=1)
    assert alipay.client.get(url).status_code == 403
    assert alipay.client.get("/downloadBillFile.resource?fileId=x").status_code == 403


def test_a_bill_is_made_on_the_next_morning(by_hand: AlipayByHand) -> None:
    by_hand.pay()
    assert ask(by_hand)["sub_code"] == "isp.bill_not_exist"
    by_hand.clock.advance(hours=20, minutes=59)
    assert ask(by_hand)["sub_code"] == "isp.bill_not_exist"
    by_hand.clock.advance(minutes=1)
    assert ask(by_hand)["code"] == "10000"


def test_a_day_on_which_nothing_happened_has_no_bill(alipay: AlipayByHand) -> None:
    answer = ask(alipay, "2026-02-28")
    assert (answer["code"], answer["sub_code"]) == ("40004", "isp.bill_not_exist")


@pytest.mark.parametrize("bill_date", ["2026-03-03", "2026-03", "20260301", "2026-02-30", ""])
def test_what_is_no_past_day_is_refused(alipay: AlipayByHand, bill_date: str) -> None:
    assert ask(alipay, bill_date)["sub_code"] == "isv.invalid_arguments"


def test_another_bill_is_refused(alipay: AlipayByHand) -> None:
    assert ask(alipay, bill_type="signcustomer")["sub_code"] == "isv.invalid_arguments"
