"""What the platform takes as an order, and what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from infra.local.wechat.payers import OTHER_PAYER
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.merchant import NO, WechatMerchant, code_of


@pytest.mark.parametrize(
    ("kind", "name", "form"),
    [
        ("jsapi", "prepay_id", "wx"),
        ("h5", "h5_url", "http://127.0.0.1:"),
        ("native", "code_url", "weixin://wxpay/bizpayurl?pr="),
    ],
)
def test_each_trade_type_gets_its_own_way_to_pay(
    school: WechatMerchant, kind: str, name: str, form: str
) -> None:
    orders = {"jsapi": school.order, "h5": school.h5_order, "native": school.native_order}
    answer = school.prepay(orders[kind](), kind)
    assert answer.status_code == 200
    assert list(answer.json()) == [name]
    assert answer.json()[name].startswith(form)
    assert school.query().json()["trade_state"] == "NOTPAY"


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "with space"},
        {"out_trade_no": "with/slash"},
        {"description": ""},
        {"description": None},
        {"description": "字" * 43},
        {"attach": "字" * 43},
        {"amount": {"total": 0}},
        {"amount": {"total": -1}},
        {"amount": {"total": "990"}},
        {"amount": {"total": 9.9}},
        {"amount": {"total": 990, "currency": "USD"}},
        {"notify_url": "ftp://school.test/notify"},
        {"notify_url": "https://school.test/notify?a=1"},
        {"notify_url": None},
        {"payer": None},
        {"payer": {}},
        {"payer": {"openid": "oNobodyAtAll0000000000000000"}},
        {"time_expire": "2030-01-01 10:00:00"},
        {"time_expire": "2030-01-01T10:00:00"},
        {"time_expire": "2030-13-01T10:00:00+08:00"},
        {"time_expire": "20300101T100000+0800"},
        {"nobody_documents_this": 1},
    ],
)
def test_a_malformed_parameter_is_refused(school: WechatMerchant, changes: dict[str, Any]) -> None:
    order = school.order() | changes
    given = {name: value for name, value in order.items() if value is not None}
    assert code_of(school.prepay(given)) == (400, "PARAM_ERROR")


@pytest.mark.parametrize("seconds", [-3600, 0, 55])
def test_time_expire_is_at_least_a_minute_ahead(school: WechatMerchant, seconds: int) -> None:
    order = school.order(time_expire=school.rfc3339(timedelta(seconds=seconds)))
    assert code_of(school.prepay(order)) == (400, "PARAM_ERROR")


@pytest.mark.parametrize("out_trade_no", ["123456", "a_|*-" + "9" * 27])
def test_an_order_number_has_6_to_32_characters(school: WechatMerchant, out_trade_no: str) -> None:
    assert school.prepay(school.order(out_trade_no)).status_code == 200


@pytest.mark.parametrize("changes", [{"appid": "wx2"}, {"mchid": "1900000002"}])
def test_app_and_merchant_belong_together(school: WechatMerchant, changes: dict[str, Any]) -> None:
    refused = school.prepay(school.order(**changes))
    assert code_of(refused) == (400, "APPID_MCHID_NOT_MATCH")


@pytest.mark.parametrize(
    "scene",
    [
        None,
        {},
        {"payer_client_ip": "127.0.0.1"},
        {"h5_info": {"type": "Wap"}},
        {"payer_client_ip": "127.0.0.1", "h5_info": {}},
    ],
)
def test_an_h5_order_says_where_it_comes_from(
    school: WechatMerchant, scene: dict[str, Any] | None
) -> None:
    refused = school.prepay(school.h5_order(scene_info=scene), "h5")
    assert code_of(refused) == (400, "PARAM_ERROR")


def test_an_order_without_a_payer_takes_none(school: WechatMerchant) -> None:
    assert code_of(school.prepay(school.order(), "native")) == (400, "PARAM_ERROR")


def test_the_same_order_again_gives_a_fresh_prepay_id(school: WechatMerchant) -> None:
    order = school.order()
    first = school.prepay(order)
    other_bytes = json.dumps(dict(reversed(order.items())), indent=1, ensure_ascii=False)
    second = school.send("POST", "/v3/pay/transactions/jsapi", other_bytes)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["prepay_id"] != second.json()["prepay_id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "another"},
        {"amount": {"total": 991, "currency": "CNY"}},
        {"amount": {"total": 990}},
        {"attach": "x"},
        {"notify_url": "https://school.test/other"},
        {"payer": {"openid": OTHER_PAYER}},
        {"time_expire": None},
    ],
)
def test_a_changed_parameter_needs_another_number(
    school: WechatMerchant, changes: dict[str, Any]
) -> None:
    order = school.order()
    school.prepay(order).raise_for_status()
    changed = {name: value for name, value in (order | changes).items() if value is not None}
    refused = school.prepay(changed)
    assert code_of(refused) == (403, "OUT_TRADE_NO_USED")
    assert refused.json()["message"] == "201 商户订单号重复"


def test_another_trade_type_needs_another_number(school: WechatMerchant) -> None:
    school.prepay(school.native_order(), "native").raise_for_status()
    refused = school.prepay(school.h5_order(), "h5")
    assert code_of(refused) == (403, "OUT_TRADE_NO_USED")


def test_a_paid_number_cannot_be_ordered_again(school: WechatMerchant) -> None:
    order = school.order()
    school.prepay(order)
    school.control(f"/trades/{NO}/pay")
    assert code_of(school.prepay(order)) == (400, "ORDERPAID")


def test_a_closed_number_cannot_be_ordered_again(school: WechatMerchant) -> None:
    order = school.order()
    school.prepay(order)
    school.close()
    assert code_of(school.prepay(order)) == (400, "ORDER_CLOSED")


def test_an_expired_number_is_closed_for_a_new_order_too(
    school: WechatMerchant, clock: ShiftedClock
) -> None:
    school.prepay()
    clock.ahead += timedelta(minutes=32)
    assert code_of(school.prepay()) == (400, "ORDER_CLOSED")
