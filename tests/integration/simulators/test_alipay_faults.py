from __future__ import annotations

from typing import Any

import httpx
import pytest

from infra.local.alipay.signature import Keys, is_signed
from tests.integration.simulators.alipay_by_hand import AlipayByHand
from tests.integration.simulators.merchant import Merchant, MerchantSite

REFUND = {"out_trade_no": "1001", "refund_amount": "1.00", "out_request_no": "r1"}


def test_an_answer_is_lost_after_the_work_is_done(merchant: Merchant) -> None:
    merchant.pay()
    merchant.order_fault(on="alipay.trade.refund", do="lose")
    with pytest.raises(httpx.TransportError):
        merchant.refund("1.00", out_request_no="r1")
    assert merchant.refund_query("r1")["refund_status"] == "REFUND_SUCCESS"
    assert merchant.refund("1.00", out_request_no="r1")["fund_change"] == "N"


def test_a_slow_answer_comes_after_the_work_is_done(merchant: Merchant) -> None:
    merchant.pay()
    merchant.order_fault(on="alipay.trade.refund", do="slow", seconds=5)
    parameters = merchant.signed("alipay.trade.refund", REFUND)
    with pytest.raises(httpx.ReadTimeout):
        merchant.http.get(merchant.gateway, params=parameters, timeout=0.3)
    assert merchant.refund_query("r1")["refund_status"] == "REFUND_SUCCESS"


def test_a_delayed_request_is_carried_out_later(merchant: Merchant) -> None:
    merchant.pay()
    merchant.order_fault(on="alipay.trade.refund", do="delay", seconds=5)
    parameters = merchant.signed("alipay.trade.refund", REFUND)
    with pytest.raises(httpx.ReadTimeout):
        merchant.http.get(merchant.gateway, params=parameters, timeout=0.3)
    assert "refund_status" not in merchant.refund_query("r1")


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [
        ({"do": "http_500"}, True),
        ({"do": "html"}, True),
        ({"do": "lose"}, True),
        ({"do": "unsigned"}, True),
        ({"do": "corrupt_signature"}, True),
        ({"do": "tamper", "fields": {"fund_change": "N"}}, True),
        ({"do": "change", "fields": {"fund_change": "N"}}, True),
        ({"do": "system_error"}, False),
        ({"do": "refuse", "sub_code": "ACQ.SELLER_BALANCE_NOT_ENOUGH"}, False),
        ({"do": "pretend", "fields": {"fund_change": "N"}}, False),
    ],
)
def test_a_fault_says_whether_the_work_is_done(
    by_hand: AlipayByHand, fault: dict[str, Any], is_done: bool
) -> None:
    by_hand.pay()
    by_hand.fault(on="alipay.trade.refund", times=2, **fault)
    parameters = by_hand.signed("alipay.trade.refund", dict(REFUND))
    for _ in range(2):
        by_hand.client.post("/gateway.do", data=parameters)
    found = by_hand.ask(
        "alipay.trade.fastpay.refund.query", out_trade_no="1001", out_request_no="r1"
    )
    assert ("refund_status" in found) is is_done
    assert by_hand.platform.faults.pending() == []
    again = by_hand.ask("alipay.trade.refund", **REFUND)
    assert again["fund_change"] == ("N" if is_done else "Y")


@pytest.mark.parametrize(
    ("deed", "is_genuine", "shown"),
    [("change", True, "N"), ("tamper", False, "N"), ("corrupt_signature", False, "Y")],
)
def test_a_changed_answer_is_signed_and_a_tampered_one_is_not(
    by_hand: AlipayByHand, keys: Keys, deed: str, is_genuine: bool, shown: str
) -> None:
    by_hand.pay()
    by_hand.fault(on="alipay.trade.refund", do=deed, fields={"fund_change": "N"})
    parameters = by_hand.signed("alipay.trade.refund", dict(REFUND))
    text = by_hand.client.post("/gateway.do", data=parameters).text
    head, _, tail = text.partition(',"sign":"')
    content = head.removeprefix('{"alipay_trade_refund_response":')
    assert f'"fund_change":"{shown}"' in content
    assert is_signed(content, tail.removesuffix('"}'), keys.platform.public_key()) is is_genuine


def test_a_fault_of_one_trade_leaves_the_others_alone(by_hand: AlipayByHand) -> None:
    by_hand.pay("1001")
    by_hand.pay("1002")
    by_hand.fault(on="alipay.trade.query", do="system_error", out_trade_no="1002")
    assert by_hand.status("1001") == "TRADE_SUCCESS"
    assert by_hand.status("1002") == "isp.unknow-error"
    assert by_hand.status("1002") == "TRADE_SUCCESS"


def test_a_refusal_on_command_needs_a_code(merchant: Merchant) -> None:
    fault = {"on": "alipay.trade.refund", "do": "refuse"}
    assert merchant.http.post(f"{merchant.control}/faults", json=fault).status_code == 400


def test_a_reordered_notification_arrives_after_the_next(
    merchant: Merchant, site: MerchantSite
) -> None:
    merchant.order_fault(on="notify", do="reorder")
    merchant.pay()
    merchant.refund("1.00", out_request_no="r1")
    assert site.next_notify()["out_biz_no"] == "r1"
    assert "out_biz_no" not in site.next_notify()


def test_a_tampered_notification_keeps_the_signature_of_the_true_one(
    merchant: Merchant, site: MerchantSite
) -> None:
    site.answers = ["fail", "success"]
    merchant.order_fault(on="notify", do="tamper", fields={"total_amount": "0.01"})
    merchant.pay()
    assert site.next_notify()["total_amount"] == "0.01"
    assert site.next_notify()["total_amount"] == "9.90"
