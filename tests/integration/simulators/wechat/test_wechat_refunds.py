"""Refunds: accepted, ended, refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infra.local.wechat.signature import Keys
from tests.integration.simulators.merchant import ShiftedClock, until
from tests.integration.simulators.wechat.merchant import (
    MCH_ID,
    NO,
    WechatMerchant,
    WechatSite,
    code_of,
)


def refund_news(site: WechatSite, keys: Keys) -> dict[str, Any]:
    """The first news of a refund that arrives, in clear."""
    while True:
        notify = site.next_notify()
        envelope = notify.envelope()
        if envelope["event_type"].startswith("REFUND."):
            assert notify.is_genuine(keys.platform)
            assert envelope["resource"]["associated_data"] == "refund"
            return notify.resource(keys.api_v3_key) | {"event_type": envelope["event_type"]}


def test_a_refund_is_accepted_first_and_succeeds_then(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    paid = school.paid()
    accepted = school.refund(refund=990).json()
    assert accepted["status"] == "PROCESSING"
    assert "success_time" not in accepted
    news = refund_news(wechat_site, wechat_keys)
    expected = {
        "event_type": "REFUND.SUCCESS",
        "mchid": MCH_ID,
        "out_trade_no": NO,
        "transaction_id": paid["transaction_id"],
        "out_refund_no": "refund-1",
        "refund_id": accepted["refund_id"],
        "refund_status": "SUCCESS",
        "amount": {"total": 990, "refund": 990, "payer_total": 990, "payer_refund": 990},
    }
    assert expected.items() <= news.items()
    assert "success_time" in news
    assert "appid" not in news
    answer = school.query_refund().json()
    assert (answer["status"], answer["amount"]["refund"]) == ("SUCCESS", 990)
    assert answer["success_time"] == news["success_time"]


def test_a_refund_notifies_its_own_address(school: WechatMerchant, wechat_site: WechatSite) -> None:
    school.paid()
    school.refund(notify_url=f"{wechat_site.url}/refunds")
    until(lambda: len(school.trade()["notifications"]) == 2)
    assert school.trade()["notifications"][1]["url"] == f"{wechat_site.url}/refunds"


def test_a_refund_without_an_address_is_not_notified(school: WechatMerchant) -> None:
    school.paid()
    school.refund(notify_url=None)
    until(lambda: school.query_refund().json()["status"] == "SUCCESS")
    assert len(school.trade()["notifications"]) == 1


@pytest.mark.parametrize("amount", [1, 990])
def test_a_refunded_trade_says_so_though_it_was_a_part(school: WechatMerchant, amount: int) -> None:
    school.paid()
    school.refund(refund=amount)
    answer = school.query().json()
    assert (answer["trade_state"], answer["amount"]["total"]) == ("REFUND", 990)


@pytest.mark.parametrize("status", ["SUCCESS", "CLOSED", "ABNORMAL"])
def test_a_refund_ends_when_told(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys, status: str
) -> None:
    school.paid()
    school.control("/refund-outcomes", {"outcome": "PROCESSING"})
    school.refund()
    assert school.query_refund().json()["status"] == "PROCESSING"
    school.control("/refunds/refund-1/end", {"status": status})
    assert school.query_refund().json()["status"] == status
    news = refund_news(wechat_site, wechat_keys)
    assert (news["event_type"], news["refund_status"]) == (f"REFUND.{status}", status)
    assert ("success_time" in news) == (status == "SUCCESS")


@pytest.mark.parametrize("status", ["SUCCESS", "CLOSED", "ABNORMAL"])
def test_a_refund_ends_by_itself_after_its_time(
    school: WechatMerchant, clock: ShiftedClock, status: str
) -> None:
    school.paid()
    school.control("/refund-outcomes", {"outcome": status, "after_seconds": 600})
    school.refund()
    assert school.query_refund().json()["status"] == "PROCESSING"
    clock.ahead += timedelta(seconds=601)
    assert school.query_refund().json()["status"] == status


def test_a_refund_that_ended_does_not_end_again(school: WechatMerchant) -> None:
    school.paid()
    school.refund()
    until(lambda: school.query_refund().json()["status"] == "SUCCESS")
    url = f"{school.url}/_control/refunds/refund-1/end"
    assert school.http.post(url, json={"status": "CLOSED"}).status_code == 404
    assert school.http.post(url, json={"status": "PROCESSING"}).status_code == 400


def test_too_small_a_balance_refuses_once(school: WechatMerchant) -> None:
    school.paid()
    school.control("/refund-outcomes", {"outcome": "NOT_ENOUGH", "out_trade_no": NO})
    assert code_of(school.refund()) == (403, "NOT_ENOUGH")
    assert code_of(school.query_refund()) == (404, "RESOURCE_NOT_EXISTS")
    assert school.query().json()["trade_state"] == "SUCCESS"
    assert school.refund().status_code == 200


def test_ordered_outcomes_can_be_forgotten(school: WechatMerchant) -> None:
    school.paid()
    school.control("/refund-outcomes", {"outcome": "NOT_ENOUGH"})
    school.http.delete(f"{school.url}/_control/refund-outcomes").raise_for_status()
    assert school.refund().status_code == 200


def test_the_same_request_again_refunds_once(school: WechatMerchant) -> None:
    school.paid()
    first, second = school.refund(refund=500), school.refund(refund=500)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["refund_id"] == second.json()["refund_id"]
    assert len(school.trade()["refunds"]) == 1


@pytest.mark.parametrize("changes", [{"refund": 400}, {"reason": "x"}, {"notify_url": None}])
def test_a_refund_number_belongs_to_its_parameters(
    school: WechatMerchant, changes: dict[str, Any]
) -> None:
    school.paid()
    school.refund(refund=500)
    assert code_of(school.refund(**({"refund": 500} | changes))) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "changes",
    [
        {"out_refund_no": ""},
        {"out_refund_no": "x" * 65},
        {"out_refund_no": "a b"},
        {"refund": 0},
        {"refund": -1},
        {"amount": {"refund": 1, "total": 990}},
        {"amount": {"refund": 1, "total": 990, "currency": "USD"}},
        {"out_trade_no": None},
        {"reason": "字" * 27},
        {"notify_url": "https://school.test/notify?a=1"},
        {"nobody_documents_this": 1},
    ],
)
def test_a_malformed_refund_is_refused(school: WechatMerchant, changes: dict[str, Any]) -> None:
    school.paid()
    assert code_of(school.refund(**changes)) == (400, "PARAM_ERROR")


def test_what_was_never_ordered_or_paid_is_not_refunded(school: WechatMerchant) -> None:
    assert code_of(school.refund()) == (404, "RESOURCE_NOT_EXISTS")
    school.prepay()
    assert code_of(school.refund()) == (400, "INVALID_REQUEST")
    assert code_of(school.query_refund()) == (404, "RESOURCE_NOT_EXISTS")


def test_never_more_than_was_paid_is_refunded(school: WechatMerchant, clock: ShiftedClock) -> None:
    school.paid()
    wrong_total = {"refund": 990, "total": 991, "currency": "CNY"}
    assert code_of(school.refund(amount=wrong_total)) == (400, "INVALID_REQUEST")
    assert code_of(school.refund(refund=991)) == (400, "INVALID_REQUEST")
    school.refund(refund=900).raise_for_status()
    clock.ahead += timedelta(minutes=2)
    assert code_of(school.refund(refund=91, out_refund_no="r2")) == (400, "INVALID_REQUEST")
    assert school.refund(refund=90, out_refund_no="r2").status_code == 200
    clock.ahead += timedelta(minutes=2)
    assert code_of(school.refund(refund=1, out_refund_no="r3")) == (400, "INVALID_REQUEST")


def test_a_closed_refund_gives_its_money_back_to_the_trade(
    school: WechatMerchant, clock: ShiftedClock
) -> None:
    school.paid()
    school.control("/refund-outcomes", {"outcome": "CLOSED"})
    school.refund()
    until(lambda: school.query_refund().json()["status"] == "CLOSED")
    clock.ahead += timedelta(minutes=2)
    assert school.refund().json()["status"] == "CLOSED"
    assert school.refund(out_refund_no="r2").json()["status"] == "PROCESSING"


def test_two_refunds_of_a_trade_are_a_minute_apart(
    school: WechatMerchant, clock: ShiftedClock
) -> None:
    school.paid()
    school.refund(refund=1)
    clock.ahead += timedelta(seconds=50)
    assert code_of(school.refund(refund=1, out_refund_no="r2")) == (429, "FREQUENCY_LIMITED")
    clock.ahead += timedelta(seconds=11)
    assert school.refund(refund=1, out_refund_no="r2").status_code == 200


def test_a_trade_is_refunded_at_most_fifty_times(
    school: WechatMerchant, clock: ShiftedClock
) -> None:
    school.paid()
    for number in range(50):
        school.refund(refund=1, out_refund_no=f"r{number}").raise_for_status()
        clock.ahead += timedelta(seconds=61)
    assert code_of(school.refund(refund=1, out_refund_no="r50")) == (400, "INVALID_REQUEST")


def test_a_year_later_nothing_is_refunded(school: WechatMerchant, clock: ShiftedClock) -> None:
    school.paid()
    clock.ahead += timedelta(days=365, minutes=1)
    assert code_of(school.refund()) == (400, "INVALID_REQUEST")


def test_a_refund_in_the_merchant_portal_is_seen_by_query_alone(school: WechatMerchant) -> None:
    school.paid()
    made = school.control(f"/trades/{NO}/refund", {"refund": 300})
    assert (made["refund"], made["origin"]) == (300, "PORTAL")
    assert school.query().json()["trade_state"] == "REFUND"
    answer = school.query_refund(made["out_refund_no"]).json()
    assert answer["amount"]["refund"] == 300
    assert code_of(school.refund(refund=700)) == (400, "INVALID_REQUEST")
    assert len(school.trade()["notifications"]) == 1


def test_faults_of_refund_notifications_are_their_own(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    school.order_fault(on="refund_notify", do="change", fields={"refund_status": "ABNORMAL"})
    school.paid()
    school.refund()
    assert refund_news(wechat_site, wechat_keys)["refund_status"] == "ABNORMAL"
