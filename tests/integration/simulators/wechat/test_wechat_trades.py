"""Paying, querying, closing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from infra.local.wechat.payers import OTHER_PAYER, TEST_PAYER
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.merchant import (
    APP_ID,
    MCH_ID,
    NO,
    WechatMerchant,
    code_of,
)


def pay(school: WechatMerchant, openid: str | None = None) -> httpx.Response:
    content = {"openid": openid} if openid else {}
    return school.http.post(f"{school.url}/_control/trades/{NO}/pay", json=content)


def test_nothing_is_known_before_the_order(school: WechatMerchant) -> None:
    assert code_of(school.query()) == (404, "ORDER_NOT_EXIST")
    assert code_of(school.close()) == (404, "ORDER_NOT_EXIST")
    target = f"/v3/pay/transactions/id/4200000000?mchid={MCH_ID}"
    assert code_of(school.send("GET", target)) == (404, "ORDER_NOT_EXIST")


def test_an_unpaid_trade_says_little(school: WechatMerchant) -> None:
    school.prepay(school.order(attach="x"))
    answer = school.query().json()
    assert answer["trade_state"] == "NOTPAY"
    assert answer["amount"]["total"] == 990
    assert not {"transaction_id", "success_time", "payer", "attach", "bank_type"} & answer.keys()


def test_a_paid_trade_says_everything_by_either_number(school: WechatMerchant) -> None:
    paid = school.paid(attach="x")
    answer = school.query().json()
    expected = {
        "appid": APP_ID,
        "mchid": MCH_ID,
        "out_trade_no": NO,
        "transaction_id": paid["transaction_id"],
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "attach": "x",
        "payer": {"openid": TEST_PAYER},
        "amount": {
            "total": 990,
            "payer_total": 990,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }
    assert expected.items() <= answer.items()
    assert answer["success_time"].endswith("+08:00")
    target = f"/v3/pay/transactions/id/{paid['transaction_id']}?mchid={MCH_ID}"
    assert school.send("GET", target).json() == answer


def test_a_trade_is_paid_once(school: WechatMerchant) -> None:
    school.paid()
    again = pay(school)
    assert (again.status_code, again.json()["code"]) == (409, "ORDERPAID")


def test_a_trade_is_paid_by_the_payer_it_was_ordered_for(school: WechatMerchant) -> None:
    school.prepay()
    assert pay(school, OTHER_PAYER).status_code == 409
    assert pay(school, TEST_PAYER).status_code == 200


def test_a_closed_trade_can_be_neither_paid_nor_closed(school: WechatMerchant) -> None:
    school.prepay()
    assert school.close().status_code == 204
    assert school.query().json()["trade_state"] == "CLOSED"
    assert pay(school).json()["code"] == "ORDER_CLOSED"
    assert code_of(school.close()) == (400, "ORDER_CLOSED")


def test_a_paid_trade_cannot_be_closed(school: WechatMerchant) -> None:
    school.paid()
    assert code_of(school.close()) == (400, "ORDERPAID")


def test_a_payer_may_still_pay_a_minute_after_time_expire(
    school: WechatMerchant, clock: ShiftedClock
) -> None:
    school.prepay(school.order(time_expire=school.rfc3339(timedelta(minutes=5))))
    clock.ahead += timedelta(minutes=5, seconds=50)
    assert school.query().json()["trade_state"] == "NOTPAY"
    assert pay(school).status_code == 200


def test_later_the_trade_has_closed_itself(school: WechatMerchant, clock: ShiftedClock) -> None:
    school.prepay(school.order(time_expire=school.rfc3339(timedelta(minutes=5))))
    clock.ahead += timedelta(minutes=6, seconds=2)
    assert school.query().json()["trade_state"] == "CLOSED"
    assert pay(school).json()["code"] == "ORDER_CLOSED"


@pytest.mark.parametrize("state", ["USERPAYING", "PAYERROR", "NOTPAY"])
def test_an_open_trade_has_other_states_and_can_still_be_paid(
    school: WechatMerchant, state: str
) -> None:
    school.prepay()
    school.control(f"/trades/{NO}/state", {"trade_state": state})
    assert school.query().json()["trade_state"] == state
    assert pay(school).json()["trade_state"] == "SUCCESS"


@pytest.mark.parametrize("state", ["SUCCESS", "REFUND", "LOST"])
def test_a_paid_state_is_not_set_by_hand(school: WechatMerchant, state: str) -> None:
    school.prepay()
    url = f"{school.url}/_control/trades/{NO}/state"
    assert school.http.post(url, json={"trade_state": state}).status_code == 400


def test_control_tells_of_trades_and_refuses_what_it_does_not_know(school: WechatMerchant) -> None:
    assert pay(school).status_code == 404
    assert school.http.get(f"{school.url}/_control/trades/{NO}").status_code == 404
    assert school.http.post(f"{school.url}/_control/trades/{NO}/refund").status_code == 404
    assert school.http.post(f"{school.url}/_control/trades/{NO}/notify").status_code == 404
    school.paid()
    seen: list[dict[str, Any]] = school.http.get(f"{school.url}/_control/trades").json()
    assert [(t["out_trade_no"], t["trade_state"]) for t in seen] == [(NO, "SUCCESS")]
