from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.simulators.merchant import Merchant, MerchantSite, beijing


def refused(answer: dict[str, Any]) -> str:
    assert answer["code"] == "40004"
    return str(answer["sub_code"])


def test_a_part_is_refunded_and_the_trade_goes_on(merchant: Merchant) -> None:
    paid = merchant.pay()
    answer = merchant.refund("1.00", out_request_no="r1")
    assert (answer["code"], answer["fund_change"], answer["refund_fee"]) == ("10000", "Y", "1.00")
    assert (answer["out_trade_no"], answer["trade_no"]) == ("1001", paid["trade_no"])
    assert answer["gmt_refund_pay"][:10] == beijing()[:10]
    assert merchant.query()["trade_status"] == "TRADE_SUCCESS"


def test_refund_fee_is_what_went_back_in_all(merchant: Merchant) -> None:
    merchant.pay()
    merchant.refund("1.00", out_request_no="r1")
    assert merchant.refund("2.5", out_request_no="r2")["refund_fee"] == "3.50"


def test_the_rest_can_be_refunded_and_then_the_trade_is_closed(merchant: Merchant) -> None:
    merchant.pay()
    merchant.refund("1.00", out_request_no="r1")
    assert merchant.refund("8.90", out_request_no="r2")["refund_fee"] == "9.90"
    told = merchant.query()
    assert (told["trade_status"], told["buyer_pay_amount"]) == ("TRADE_CLOSED", "9.90")
    assert told["send_pay_date"][:10] == beijing()[:10]


def test_an_unpaid_closed_trade_has_no_send_pay_date(merchant: Merchant) -> None:
    merchant.log_in()
    merchant.close()
    assert "send_pay_date" not in merchant.query()


def test_a_trade_can_be_named_by_its_trade_no(merchant: Merchant) -> None:
    paid = merchant.pay()
    which = {"trade_no": paid["trade_no"], "refund_amount": "9.90"}
    assert merchant.ask("alipay.trade.refund", which)["out_trade_no"] == "1001"


def test_the_same_refund_again_moves_nothing(merchant: Merchant) -> None:
    merchant.pay()
    first = merchant.refund("9.90", out_request_no="r1")
    again = merchant.refund("9.9", out_request_no="r1")
    assert again == first | {"fund_change": "N"}


def test_a_whole_refund_needs_no_number_and_is_repeatable_too(merchant: Merchant) -> None:
    merchant.pay()
    assert merchant.refund("9.90")["fund_change"] == "Y"
    assert merchant.refund("9.90")["fund_change"] == "N"
    assert merchant.refund_query("1001")["refund_amount"] == "9.90"


def test_a_part_without_a_number_is_refused(merchant: Merchant) -> None:
    merchant.pay()
    assert refused(merchant.refund("1.00")) == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    merchant.refund("1.00", out_request_no="r1")
    assert refused(merchant.refund("8.90")) == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"


@pytest.mark.parametrize(("first", "then"), [(None, "9.91"), ("1.00", "8.91")])
def test_more_than_is_left_is_refused(merchant: Merchant, first: str | None, then: str) -> None:
    merchant.pay()
    if first is not None:
        merchant.refund(first, out_request_no="r1")
    assert refused(merchant.refund(then, out_request_no="r2")) == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert merchant.refund_query("r2") == merchant.nothing_found


def test_an_unknown_trade_is_not_refunded(merchant: Merchant) -> None:
    merchant.open_cashier(merchant.order())
    assert refused(merchant.refund("9.90")) == "ACQ.TRADE_NOT_EXIST"


def test_an_unpaid_trade_is_not_refunded(merchant: Merchant) -> None:
    merchant.log_in()
    assert refused(merchant.refund("9.90")) == "ACQ.TRADE_STATUS_ERROR"


def test_a_trade_that_closed_unpaid_is_not_refunded(merchant: Merchant) -> None:
    merchant.log_in()
    merchant.close()
    assert refused(merchant.refund("9.90")) == "ACQ.TRADE_HAS_CLOSE"


def test_a_payment_that_is_all_back_is_not_refunded_again(merchant: Merchant) -> None:
    merchant.pay()
    merchant.refund("9.90", out_request_no="r1")
    assert refused(merchant.refund("1.00", out_request_no="r2")) == "ACQ.TRADE_HAS_CLOSE"


def test_a_finished_trade_is_not_refunded(merchant: Merchant) -> None:
    merchant.pay()
    merchant.control_trade("finish")
    assert refused(merchant.refund("1.00", out_request_no="r1")) == "ACQ.TRADE_HAS_FINISHED"


def test_one_number_does_not_stand_for_two_amounts(merchant: Merchant) -> None:
    merchant.pay()
    merchant.refund("1.00", out_request_no="r1")
    answer = merchant.refund("1.01", out_request_no="r1")
    assert refused(answer) == "ACQ.DISCORDANT_REPEAT_REQUEST"


@pytest.mark.parametrize("amount", ["0", "0.00", "0.001", "-1", "1e1", "", "all"])
def test_an_amount_that_is_none_is_refused(merchant: Merchant, amount: str) -> None:
    merchant.pay()
    assert refused(merchant.refund(amount, out_request_no="r1")) == "ACQ.INVALID_PARAMETER"


def test_a_number_that_is_too_long_is_refused(merchant: Merchant) -> None:
    merchant.pay()
    answer = merchant.refund("1.00", out_request_no="r" * 65)
    assert refused(answer) == "ACQ.INVALID_PARAMETER"


def test_a_seller_without_money_is_refused_on_command(merchant: Merchant) -> None:
    merchant.pay()
    fault = {"do": "refuse", "sub_code": "ACQ.SELLER_BALANCE_NOT_ENOUGH"}
    merchant.order_fault(on="alipay.trade.refund", **fault)
    answer = merchant.refund("1.00", out_request_no="r1")
    assert refused(answer) == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    assert "refund_status" not in merchant.refund_query("r1")
    assert merchant.refund("1.00", out_request_no="r1")["fund_change"] == "Y"


def test_a_refund_can_be_found_by_its_number(merchant: Merchant) -> None:
    paid = merchant.pay()
    merchant.refund("1.00", out_request_no="r1")
    merchant.refund("2.00", out_request_no="r2")
    expected = {
        "code": "10000",
        "out_trade_no": "1001",
        "trade_no": paid["trade_no"],
        "out_request_no": "r1",
        "total_amount": "9.90",
        "refund_amount": "1.00",
        "refund_status": "REFUND_SUCCESS",
    }
    answer = merchant.refund_query("r1")
    assert expected.items() <= answer.items()
    assert "gmt_refund_pay" not in answer
    answer = merchant.refund_query("r1", query_options=["gmt_refund_pay"])
    assert answer["gmt_refund_pay"][:10] == beijing()[:10]


def test_a_refund_that_does_not_exist_is_a_success_with_nothing_in_it(merchant: Merchant) -> None:
    merchant.pay()
    assert merchant.refund_query("r1") == merchant.nothing_found


def test_a_refund_of_an_unknown_trade_cannot_be_asked_for(merchant: Merchant) -> None:
    assert refused(merchant.refund_query("r1")) == "ACQ.TRADE_NOT_EXIST"


def test_a_refund_query_without_a_number_is_refused(merchant: Merchant) -> None:
    merchant.pay()
    answer = merchant.ask("alipay.trade.fastpay.refund.query", {"out_trade_no": "1001"})
    assert refused(answer) == "ACQ.INVALID_PARAMETER"


def test_a_partial_refund_notifies_the_payment_again(
    merchant: Merchant, site: MerchantSite
) -> None:
    merchant.pay()
    paid = site.next_notify()
    assert not {"refund_fee", "gmt_refund", "out_biz_no"} & set(paid)
    for number, amount, in_all in (("r1", "1.00", "1.00"), ("r2", "2.00", "3.00")):
        merchant.refund(amount, out_request_no=number)
        notify = site.next_notify()
        assert notify["trade_status"] == "TRADE_SUCCESS"
        assert notify["notify_id"] != paid["notify_id"]
        assert notify["gmt_payment"] == paid["gmt_payment"]
        assert (notify["out_biz_no"], notify["refund_fee"]) == (number, in_all)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", notify["gmt_refund"])
        assert "gmt_close" not in notify


def test_a_full_refund_notifies_that_the_trade_is_closed(
    merchant: Merchant, site: MerchantSite
) -> None:
    paid = merchant.pay()
    site.next_notify()
    merchant.refund("9.90")
    notify = site.next_notify()
    assert (notify["trade_status"], notify["refund_fee"]) == ("TRADE_CLOSED", "9.90")
    assert {"gmt_payment", "gmt_refund", "gmt_close"} <= set(notify)
    assert notify["out_biz_no"] == paid["trade_no"]


def test_a_full_refund_may_be_silent(merchant: Merchant, site: MerchantSite) -> None:
    merchant.pay()
    site.next_notify()
    settings = {"notifies_full_refund": False}
    merchant.http.put(f"{merchant.control}/settings", json=settings).raise_for_status()
    merchant.refund("1.00", out_request_no="r1")
    assert site.next_notify()["trade_status"] == "TRADE_SUCCESS"
    merchant.refund("8.90", out_request_no="r2")
    assert merchant.query()["trade_status"] == "TRADE_CLOSED"
    assert len(merchant.trade()["notifications"]) == 2


def test_staff_refund_in_the_portal_under_a_number_of_the_platform(
    merchant: Merchant, site: MerchantSite
) -> None:
    merchant.pay()
    site.next_notify()
    trade = merchant.control_trade("refund", amount="1.50")
    (refund,) = trade["refunds"]
    assert (trade["refund_fee"], refund["amount"]) == ("1.50", "1.50")
    assert re.fullmatch(r"\d{28}", refund["out_biz_no"])
    assert site.next_notify()["out_biz_no"] == refund["out_biz_no"]
    assert merchant.refund_query(refund["out_biz_no"])["refund_amount"] == "1.50"
    assert merchant.refund("8.40", out_request_no="r1")["refund_fee"] == "9.90"


def test_the_portal_refuses_what_the_interface_refuses(merchant: Merchant) -> None:
    url = f"{merchant.control}/trades/1001/refund"
    assert merchant.http.post(url, json={"amount": "1.00"}).status_code == 404
    merchant.pay()
    assert merchant.http.post(url, json={"amount": "1.00", "why": "?"}).status_code == 400
    answer = merchant.http.post(url, json={"amount": "9.91"})
    assert answer.status_code == 409
    assert answer.json()["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"


def test_a_trade_that_is_finished_is_notified(merchant: Merchant, site: MerchantSite) -> None:
    merchant.pay()
    site.next_notify()
    assert merchant.control_trade("finish")["status"] == "TRADE_FINISHED"
    notify = site.next_notify()
    assert (notify["trade_status"], "gmt_payment" in notify) == ("TRADE_FINISHED", True)
    assert merchant.query()["trade_status"] == "TRADE_FINISHED"


def test_only_a_paid_trade_can_be_finished(merchant: Merchant) -> None:
    url = f"{merchant.control}/trades/1001/finish"
    assert merchant.http.post(url).status_code == 404
    merchant.log_in()
    assert merchant.http.post(url).json()["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
