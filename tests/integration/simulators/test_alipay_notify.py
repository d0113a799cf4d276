from __future__ import annotations

import json
import time
from typing import Any

import pytest

from infra.local.alipay.signature import Keys, is_signed, text_of_notify
from infra.local.services.web_server import WebServer
from tests.integration.simulators.merchant import (
    APP_ID,
    SELLER_ID,
    Merchant,
    MerchantSite,
    until,
)


def is_genuine(keys: Keys, notify: dict[str, str]) -> bool:
    return is_signed(text_of_notify(notify), notify["sign"], keys.platform.public_key())


def test_a_payment_is_notified_with_all_its_fields(
    merchant: Merchant, site: MerchantSite, keys: Keys
) -> None:
    paid = merchant.pay(body="", passback_params="a%3D1")
    notify = site.next_notify()
    assert is_genuine(keys, notify)
    expected = {
        "notify_type": "trade_status_sync",
        "app_id": APP_ID,
        "auth_app_id": APP_ID,
        "charset": "utf-8",
        "version": "1.0",
        "sign_type": "RSA2",
        "trade_no": paid["trade_no"],
        "out_trade_no": "1001",
        "seller_id": SELLER_ID,
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "9.90",
        "receipt_amount": "9.90",
        "buyer_pay_amount": "9.90",
        "point_amount": "0.00",
        "subject": "Java 编程思想",
        "body": "",
        "passback_params": "a%3D1",
    }
    assert expected.items() <= notify.items()
    assert {
        "notify_time",
        "notify_id",
        "buyer_id",
        "buyer_logon_id",
        "seller_email",
        "invoice_amount",
        "gmt_create",
        "gmt_payment",
    } <= set(notify)
    bills = json.loads(notify["fund_bill_list"])
    assert bills == [{"amount": "9.90", "fundChannel": "ALIPAYACCOUNT"}]


@pytest.mark.parametrize("refusal", ["fail", "SUCCESS", "success\n", "<p>success</p>", ""])
def test_a_notification_is_repeated_until_the_answer_is_success(
    merchant: Merchant, site: MerchantSite, refusal: str
) -> None:
    site.answers = [refusal, refusal, "success"]
    merchant.pay()
    notifies = [site.next_notify() for _ in range(3)]
    assert len({notify["notify_id"] for notify in notifies}) == 1
    until(lambda: [d["is_accepted"] for d in merchant.deliveries()] == [False, False, True])
    assert not site.has_more()


def test_a_notification_is_given_up_after_the_last_delay(
    merchant: Merchant, site: MerchantSite
) -> None:
    site.answers = ["fail"]
    merchant.pay()
    until(lambda: len(merchant.deliveries()) == 4)
    assert {delivery["answer"] for delivery in merchant.deliveries()} == {"fail"}


def test_a_merchant_that_is_down_is_asked_again(merchant: Merchant) -> None:
    merchant.notify_url = "http://127.0.0.1:9/notify"
    merchant.pay()
    until(lambda: len(merchant.deliveries()) == 4)
    assert merchant.deliveries()[0]["status"] is None


def test_the_platform_stops_though_a_merchant_does_not_answer(
    merchant: Merchant, site: MerchantSite, alipay: WebServer
) -> None:
    site.may_answer.clear()
    merchant.pay()
    site.next_notify()
    started = time.monotonic()
    alipay.stop()
    assert time.monotonic() - started < 5
    site.may_answer.set()


def test_closing_notifies_and_opening_does_not(merchant: Merchant, site: MerchantSite) -> None:
    merchant.log_in()
    assert not site.has_more()
    merchant.close()
    assert site.next_notify()["trade_status"] == "TRADE_CLOSED"


def test_a_dropped_notification_arrives_with_the_next_attempt(
    merchant: Merchant, site: MerchantSite
) -> None:
    merchant.order_fault(on="notify", do="drop")
    merchant.pay()
    site.next_notify()
    until(lambda: [d["answer"] for d in merchant.deliveries()] == ["dropped", "success"])


def test_a_duplicated_notification_arrives_as_often_as_ordered(
    merchant: Merchant, site: MerchantSite
) -> None:
    merchant.order_fault(on="notify", do="duplicate", copies=2)
    merchant.pay()
    notifies = [site.next_notify() for _ in range(3)]
    assert notifies[0] == notifies[1] == notifies[2]


def test_a_corrupt_signature_is_well_formed_and_wrong(
    merchant: Merchant, site: MerchantSite, keys: Keys
) -> None:
    site.answers = ["fail", "success"]
    merchant.order_fault(on="notify", do="corrupt_signature")
    merchant.pay()
    assert not is_genuine(keys, site.next_notify())
    assert is_genuine(keys, site.next_notify())


@pytest.mark.parametrize("name", ["app_id", "seller_id", "total_amount", "trade_status"])
def test_a_changed_field_is_signed_properly(
    merchant: Merchant, site: MerchantSite, keys: Keys, name: str
) -> None:
    merchant.order_fault(on="notify", do="change", fields={name: "0.01", "subject": None})
    merchant.pay()
    notify = site.next_notify()
    assert notify[name] == "0.01"
    assert "subject" not in notify
    assert is_genuine(keys, notify)


def test_a_delayed_notification_arrives_after_the_payment(
    merchant: Merchant, site: MerchantSite
) -> None:
    merchant.order_fault(on="notify", do="delay", seconds=0.2)
    merchant.pay()
    assert not site.has_more()
    assert site.next_notify()["trade_status"] == "TRADE_SUCCESS"


def test_a_fault_for_one_trade_leaves_the_others_alone(
    merchant: Merchant, site: MerchantSite
) -> None:
    merchant.order_fault(on="notify", do="drop", times=9, out_trade_no="1001")
    merchant.pay("1002")
    assert site.next_notify()["out_trade_no"] == "1002"
    merchant.pay("1001")
    until(lambda: len(merchant.deliveries("1001")) == 4)
    assert not site.has_more()


def test_a_notification_can_be_sent_once_more(merchant: Merchant, site: MerchantSite) -> None:
    merchant.pay()
    first = site.next_notify()
    answer = merchant.http.post(f"{merchant.control}/trades/1001/notify").json()
    assert answer["is_accepted"] is True
    assert site.next_notify()["notify_id"] == first["notify_id"]


def test_any_field_set_can_be_sent_signed(
    merchant: Merchant, site: MerchantSite, keys: Keys
) -> None:
    letter = {"url": merchant.notify_url, "fields": {"out_trade_no": "", "x": "值"}}
    answer = merchant.http.post(f"{merchant.control}/notify", json=letter).json()
    assert answer["status"] == 200
    notify = site.next_notify()
    assert (notify["out_trade_no"], notify["x"]) == ("", "值")
    assert is_genuine(keys, notify)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"do": "http_500"}, (500, "")),
        ({"do": "html"}, (200, "<!DOCTYPE html>")),
        ({"do": "unsigned"}, (200, '{"alipay_trade_query_response":{"code":"10000"')),
        ({"do": "system_error"}, (200, '{"alipay_trade_query_response":{"code":"20000"')),
        ({"do": "delay", "seconds": 0.1}, (200, '{"alipay_trade_query_response":{"code":"10000"')),
        (
            {"do": "change", "fields": {"code": "10000", "trade_status": "TRADE_FINISHED"}},
            (200, '{"alipay_trade_query_response":{"code":"10000"'),
        ),
    ],
)
def test_a_faulty_answer_comes_once(
    merchant: Merchant, fault: dict[str, Any], seen: tuple[int, str]
) -> None:
    merchant.pay()
    merchant.order_fault(on="alipay.trade.query", **fault)
    parameters = merchant.signed("alipay.trade.query", {"out_trade_no": "1001"})
    response = merchant.http.get(merchant.gateway, params=parameters)
    assert response.status_code == seen[0]
    assert response.text.startswith(seen[1])
    assert ("sign" in response.text) == (fault["do"] in ("change", "delay", "system_error"))
    assert ("TRADE_FINISHED" in response.text) == (fault["do"] == "change")
    assert merchant.query()["trade_status"] == "TRADE_SUCCESS"


def test_a_lost_answer_means_that_the_trade_was_closed_all_the_same(merchant: Merchant) -> None:
    merchant.log_in()
    merchant.order_fault(on="alipay.trade.close", do="http_500")
    parameters = merchant.signed("alipay.trade.close", {"out_trade_no": "1001"})
    assert merchant.http.get(merchant.gateway, params=parameters).status_code == 500
    assert merchant.query()["trade_status"] == "TRADE_CLOSED"


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "notify", "do": "html"},
        {"on": "alipay.trade.query", "do": "drop"},
        {"on": "notify", "do": "explode"},
        {"on": "notify", "do": "drop", "often": 3},
    ],
)
def test_a_fault_that_cannot_happen_is_not_taken(merchant: Merchant, fault: dict[str, Any]) -> None:
    assert merchant.http.post(f"{merchant.control}/faults", json=fault).status_code == 400


def test_faults_can_be_seen_and_forgotten(merchant: Merchant) -> None:
    merchant.order_fault(on="notify", do="drop", times=3)
    (fault,) = merchant.http.get(f"{merchant.control}/faults").json()
    assert (fault["do"], fault["times"]) == ("drop", 3)
    assert merchant.http.delete(f"{merchant.control}/faults").json() == []
    assert merchant.http.get(f"{merchant.control}/faults").json() == []


def test_control_tells_of_trades_and_refuses_what_it_does_not_know(merchant: Merchant) -> None:
    assert merchant.http.post(f"{merchant.control}/trades/1001/pay").status_code == 404
    merchant.pay()
    (trade,) = merchant.http.get(f"{merchant.control}/trades").json()
    assert (trade["out_trade_no"], trade["status"]) == ("1001", "TRADE_SUCCESS")
    assert merchant.http.get(f"{merchant.control}/trades/1002").status_code == 404
    again = merchant.http.post(f"{merchant.control}/trades/1001/pay")
    assert (again.status_code, again.json()["sub_code"]) == (409, "ACQ.TRADE_HAS_SUCCESS")
