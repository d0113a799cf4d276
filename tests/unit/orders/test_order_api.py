"""My orders over HTTP, on fakes: the list, one order, cancelling."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.model import ClosingReason
from tests.unit.orders.office import OPERATOR, Office, refused
from tests.unit.orders.shop import COURSE, NATIVE, STUDENT, in_wechat

STRANGER = "student-2"


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(monkeypatch)


def test_a_new_student_has_no_orders(office: Office) -> None:
    page = office.ok("GET", "/orders", "student-9")
    assert page == {"items": [], "nextPageToken": None, "now": "2026-03-01T12:00:00+08:00"}


def test_the_list_tells_money_in_yuan_and_fen_and_time_in_beijing(office: Office) -> None:
    offer = office.shop.offer()
    (order,) = office.ok("GET", "/orders")["items"]
    assert order == {
        "id": offer.order.order_id,
        "orderId": offer.order.order_id,
        "orderName": "Java 编程思想",
        "orderType": "60201",
        "outBusinessId": COURSE.out_business_id,
        "totalPrice": "9.90",
        "totalPriceFen": 990,
        "currency": "CNY",
        "createDate": "2026-03-01 12:00:00",
        "status": "600001",
        "closeReason": None,
        "paySuccessTime": None,
        "userId": STUDENT,
        "payNo": offer.record.pay_no,
        "paidByPayNo": None,
        "expiresAt": "2026-03-01T12:30:00+08:00",
    }


def test_the_pages_of_the_list_follow_one_another_to_the_end(office: Office) -> None:
    made = []
    for _ in range(5):
        offer = office.shop.offer()
        made.append(offer.order.order_id)
        office.shop.cancel(offer)
        office.shop.clock.advance(seconds=1)
    seen, path = [], "/orders?size=2"
    while True:
        page = office.ok("GET", path)
        seen += [order["orderId"] for order in page["items"]]
        if page["nextPageToken"] is None:
            break
        path = f"/orders?size=2&pageToken={page['nextPageToken']}"
    assert seen == made[::-1]


def test_the_list_is_filtered_by_status(office: Office) -> None:
    office.paid()
    assert len(office.ok("GET", "/orders?status=600002")["items"]) == 1
    assert office.ok("GET", "/orders?status=600001")["items"] == []
    assert office.ok("GET", "/orders?status=600005")["items"] == []


@pytest.mark.parametrize("query", ["status=600006", "size=0", "size=51", "size=1&size=2"])
def test_i10_a_wrong_parameter_is_refused(office: Office, query: str) -> None:
    status, code, _ = refused(office.get(f"/orders?{query}"))
    assert (status, code) == (400, "INVALID_REQUEST")


def test_i8_a_page_token_of_another_student_is_refused(office: Office) -> None:
    for _ in range(2):
        office.shop.cancel(office.shop.offer())
    token = office.ok("GET", "/orders?size=1")["nextPageToken"]
    assert refused(office.get(f"/orders?pageToken={token}", STRANGER))[0] == 400


def test_an_order_is_shown_with_everything_that_happened_to_it(office: Office) -> None:
    shop = office.shop
    offer = shop.opened()
    shop.open(offer.record.pay_no, NATIVE)
    paid = shop.order_of(offer).live_pay_no
    shop.notified(paid, shop.paid())
    shop.clock.advance(minutes=1)
    shop.notified(offer.record.pay_no, shop.paid(trade_no="T2"), "n2")

    order = office.ok("GET", f"/orders/{offer.order.order_id}")

    assert (order["status"], order["paidByPayNo"]) == ("600002", paid)
    assert order["paySuccessTime"] == "2026-03-01 12:00:00"
    assert order["now"] == "2026-03-01T12:01:00+08:00"
    assert order["items"] == [
        {
            "goodsId": "course-1",
            "goodsType": "60201",
            "goodsName": "Java 编程思想",
            "goodsPrice": "9.90",
            "goodsPriceFen": 990,
            "validDays": 365,
        }
    ]
    first, second = order["attempts"]
    assert (first["tradeType"], first["surplusReason"]) == ("ALI_WAP", "second_payment")
    assert (second["tradeType"], second["surplusReason"]) == ("WX_NATIVE", None)
    assert (second["paidAmount"], second["paidAmountFen"]) == ("9.90", 990)
    (refund,) = order["refunds"]
    assert (refund["payNo"], refund["refundFen"], refund["kind"]) == (
        offer.record.pay_no,
        990,
        "automatic",
    )
    assert (refund["status"], refund["refundedAt"]) == ("owed", None)


def test_what_was_paid_is_told_where_it_is_not_the_price(office: Office) -> None:
    offer = office.shop.opened()
    office.shop.notified(offer.record.pay_no, office.shop.paid(fen=1))
    (attempt,) = office.ok("GET", f"/orders/{offer.order.order_id}")["attempts"]
    assert (attempt["totalPrice"], attempt["paidAmount"]) == ("9.90", "0.01")
    assert attempt["surplusReason"] == "wrong_amount"


def test_i8_the_owner_reads_neither_who_paid_nor_who_asked_for_a_refund(office: Office) -> None:
    offer = office.shop.opened(in_wechat("openid-of-a-friend"))
    office.shop.notified(offer.record.pay_no, office.shop.paid())
    office.taken_in(offer.order.order_id, refundFen=100)
    secrets = [
        "openid-of-a-friend",
        OPERATOR,
        office.shop.record_of(offer).request,
        office.shop.record_of(offer).prepay,
    ]

    order = office.ok("GET", f"/orders/{offer.order.order_id}")

    assert (len(order["attempts"]), len(order["refunds"])) == (1, 1)
    text = json.dumps(order, ensure_ascii=False)
    for secret in secrets:
        assert secret
        assert secret not in text


def test_a_cancelled_order_is_closed_and_says_why(office: Office) -> None:
    offer = office.shop.offer()
    order = office.ok("POST", f"/orders/{offer.order.order_id}/cancel")
    assert (order["status"], order["closeReason"]) == ("600003", "cancelled")
    assert order["orderId"] == offer.order.order_id


def test_cancelling_twice_is_cancelling_once(office: Office) -> None:
    path = f"/orders/{office.shop.opened().order.order_id}/cancel"
    first = office.ok("POST", path)
    assert office.ok("POST", path) == first
    assert len(office.shop.alipay.closed) == 1


def test_a_paid_order_cannot_be_cancelled(office: Office) -> None:
    offer = office.paid()
    status, code, _ = refused(office.ask("POST", f"/orders/{offer.order.order_id}/cancel"))
    assert (status, code) == (409, "ORDER_ALREADY_PAID")
    assert office.shop.order_of(offer).status == "600002"


def test_while_the_platform_is_silent_the_order_is_being_closed_and_says_so(
    office: Office,
) -> None:
    offer = office.shop.opened()
    office.shop.alipay.close_answer = ChannelUnavailable()
    path = f"/orders/{offer.order.order_id}"

    status, code, _ = refused(office.ask("POST", f"{path}/cancel"))

    assert (status, code) == (409, "PAYMENT_IN_PROGRESS")
    order = office.ok("GET", path)
    assert (order["status"], order["closeReason"]) == ("600001", "cancelled")


@pytest.mark.parametrize(
    ("because", "told"),
    [
        (ClosingReason.EXPIRED, "expired"),
        (ClosingReason.REPLACED, "replaced"),
        (ClosingReason.SWITCHED, None),
        (None, None),
    ],
)
def test_only_what_closes_an_order_is_its_reason(
    office: Office, because: ClosingReason | None, told: str | None
) -> None:
    offer = office.shop.offer()
    order = replace(office.shop.order_of(offer), closing_because=because)
    office.shop.store.orders[order.order_id] = order
    assert office.ok("GET", f"/orders/{order.order_id}")["closeReason"] == told


def test_an_order_that_was_paid_after_all_is_not_closed(office: Office) -> None:
    offer = office.shop.opened()
    office.shop.cancel(offer)
    office.shop.notified(offer.record.pay_no, office.shop.paid())
    order = office.ok("GET", f"/orders/{offer.order.order_id}")
    assert (order["status"], order["closeReason"]) == ("600002", None)


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("POST", "/cancel")])
def test_i8_foreign_missing_and_malformed_numbers_get_one_answer(
    office: Office, method: str, end: str
) -> None:
    own = office.shop.offer().order.order_id
    before = dict(office.shop.store.orders)
    numbers = [own, str(int(own) + 7), str(int(own) - 7), "0", "x" * 99, "1%23", "%00"]

    answers = {
        refused(office.ask(method, f"/orders/{number}{end}", token=STRANGER)) for number in numbers
    }

    assert answers == {(404, "NOT_FOUND", "订单不存在")}
    assert office.shop.store.orders == before


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/orders"), ("GET", "/orders/1"), ("POST", "/orders/1/cancel")]
)
def test_without_a_token_nothing_is_shown(office: Office, method: str, path: str) -> None:
    assert office.ask(method, path, token=None)[0] == 401


def test_a_refunded_order_shows_the_money_that_is_back(office: Office) -> None:
    offer = office.paid()
    office.shop.notified(offer.record.pay_no, office.shop.paid(back=990), "n2")
    order = office.ok("GET", f"/orders/{offer.order.order_id}")
    assert order["status"] == "600004"
    (refund,) = order["refunds"]
    assert (refund["status"], refund["kind"]) == ("done", "external")
    assert (refund["refundAmount"], refund["refundFen"]) == ("9.90", 990)
    assert refund["refundedAt"] == "2026-03-01T12:00:00+08:00"
