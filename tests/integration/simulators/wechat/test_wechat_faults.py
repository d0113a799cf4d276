"""Faults of answers, and their orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from infra.local.wechat.signature import Keys
from tests.integration.simulators.wechat.merchant import NO, WechatMerchant, code_of, is_genuine


@pytest.mark.parametrize(
    ("fault", "status", "body", "genuine"),
    [
        ({"do": "delay", "seconds": 0.1}, 200, '{"appid"', True),
        ({"do": "slow", "seconds": 0.1}, 200, '{"appid"', True),
        ({"do": "change", "fields": {"appid": None, "x": 1}}, 200, '{"mchid"', True),
        ({"do": "corrupt_signature"}, 200, '{"appid"', False),
        ({"do": "signtest"}, 200, '{"appid"', False),
        ({"do": "unsigned"}, 200, '{"appid"', False),
        ({"do": "http_500"}, 500, "", False),
        ({"do": "html"}, 200, "<!DOCTYPE html>", False),
        ({"do": "system_error"}, 500, '{"code": "SYSTEM_ERROR"', True),
    ],
)
def test_a_faulty_answer_comes_once(
    school: WechatMerchant,
    wechat_keys: Keys,
    fault: dict[str, Any],
    status: int,
    body: str,
    genuine: bool,
) -> None:
    school.paid()
    school.order_fault(on="query", **fault)
    answer = school.query()
    assert answer.status_code == status
    assert answer.text.startswith(body)
    assert is_genuine(answer, wechat_keys.platform) == genuine
    assert is_genuine(school.query(), wechat_keys.platform)


def test_a_lost_answer_means_that_the_trade_was_closed_all_the_same(
    school: WechatMerchant,
) -> None:
    school.prepay()
    school.order_fault(on="close", do="lost")
    with pytest.raises(httpx.RemoteProtocolError):
        school.close()
    assert school.query().json()["trade_state"] == "CLOSED"


def test_a_system_error_means_that_nothing_was_done(school: WechatMerchant) -> None:
    school.prepay()
    school.order_fault(on="close", do="system_error")
    assert code_of(school.close()) == (500, "SYSTEM_ERROR")
    assert school.query().json()["trade_state"] == "NOTPAY"


def test_every_call_of_a_trade_can_fail_for_it_alone(school: WechatMerchant) -> None:
    paid = school.paid()
    school.refund(refund=1).raise_for_status()
    by_id = {"transaction_id": paid["transaction_id"], "out_refund_no": "refund-2"}
    target = f"/v3/pay/transactions/id/{paid['transaction_id']}?mchid={1900000001}"
    calls: dict[str, list[Callable[[], httpx.Response]]] = {
        "prepay": [school.prepay],
        "query": [school.query, lambda: school.send("GET", target)],
        "close": [school.close],
        "refund": [school.refund, lambda: school.refund(**by_id, out_trade_no=None)],
        "query_refund": [school.query_refund],
    }
    for on, ways in calls.items():
        school.order_fault(on=on, do="system_error", out_trade_no="order-9999")
        for call in ways:
            assert call().status_code != 500, on
            school.order_fault(on=on, do="system_error", out_trade_no=NO)
            assert call().status_code == 500, on


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "notify", "do": "html"},
        {"on": "query", "do": "drop"},
        {"on": "nothing", "do": "delay"},
        {"on": "access_token", "do": "corrupt_signature"},
        {"on": "notify", "do": "explode"},
        {"on": "notify", "do": "drop", "often": 3},
    ],
)
def test_a_fault_that_cannot_happen_is_not_taken(
    school: WechatMerchant, fault: dict[str, Any]
) -> None:
    assert school.http.post(f"{school.url}/_control/faults", json=fault).status_code == 400


def test_faults_can_be_seen_and_forgotten(school: WechatMerchant) -> None:
    url = f"{school.url}/_control/faults"
    school.order_fault(on="notify", do="drop", times=3)
    (fault,) = school.http.get(url).json()
    assert (fault["do"], fault["times"]) == ("drop", 3)
    assert school.http.delete(url).json() == []
    assert school.http.get(url).json() == []
