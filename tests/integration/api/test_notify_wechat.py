"""``notify/wechat``: what WeChat Pay tells, what it is answered, and what becomes of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.clock import to_rfc3339
from infra.local.wechat.payers import TEST_PAYER
from tests.integration.api.client import Answer
from tests.integration.api.payers_browser import ON_A_DESKTOP, PayersBrowser
from tests.integration.api.shop import Purchase, Shop, new_id
from tests.wechat_peer import a_refund_notice, a_trade

PATH = "/orders/notify/wechat"


@pytest.fixture
def purchase(shop: Shop) -> Purchase:
    """Somebody has its code on a screen."""
    purchase = shop.order()
    PayersBrowser(shop, ON_A_DESKTOP).choose(purchase)
    return purchase


def told(shop: Shop, purchase: Purchase, **changes: Any) -> tuple[dict[str, str], bytes]:
    """A notification of a payment of just now."""
    now = wiring.clock().now()
    trade = a_trade(
        **{
            "out_trade_no": purchase.pay_no,
            "transaction_id": new_id(),
            "trade_type": "NATIVE",
            "success_time": to_rfc3339(now),
            "payer": {"openid": TEST_PAYER},
            **changes,
        }
    )
    return shop.wechat_peer.notify(trade, at=now, id=new_id())


def send(
    shop: Shop,
    notification: tuple[dict[str, str], bytes],
    content_type: str | None = "application/json",
    **changes: str,
) -> Answer:
    headers, body = notification
    return shop.client.send(
        "POST", PATH, content_type=content_type, headers={**headers, **changes}, body=body
    )


def assert_taken(answer: Answer) -> None:
    """What ends WeChat's repetitions."""
    assert (answer.status, answer.body) == (204, b"")


def assert_failed(answer: Answer, status: int) -> None:
    """What makes WeChat send it again; it says nothing of why."""
    assert answer.status == status, answer.text
    assert answer.json() == {"code": "FAIL", "message": "失败"}


def test_a_payment_is_settled_once_however_often_it_is_told(shop: Shop, purchase: Purchase) -> None:
    notification = told(shop, purchase)
    assert_taken(send(shop, notification))

    with shop.unchanged():
        for _ in range(3):
            assert_taken(send(shop, notification))

    assert shop.result(purchase)["orderStatus"] == "600002"
    assert len(shop.messages_of(purchase)) == 1


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json;charset=utf-8", "Application/JSON; charset=UTF-8"],
)
def test_json_in_any_spelling_is_read(shop: Shop, purchase: Purchase, content_type: str) -> None:
    assert_taken(send(shop, told(shop, purchase), content_type))


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/octet-stream", "x"])
def test_a_payment_under_another_content_type_is_not_lost(
    shop: Shop, purchase: Purchase, content_type: str | None
) -> None:
    assert_taken(send(shop, told(shop, purchase), content_type))

    assert shop.result(purchase)["orderStatus"] == "600002"


@pytest.mark.parametrize("name", ["Signature", "Timestamp", "Nonce", "Serial"])
def test_i2_what_is_not_signed_as_it_stands_is_refused(
    shop: Shop, purchase: Purchase, name: str
) -> None:
    headers, body = told(shop, purchase)
    _, other = told(shop, purchase)
    without = {key: value for key, value in headers.items() if key != f"Wechatpay-{name}"}

    with shop.unchanged():
        assert_failed(send(shop, (headers, other)), 400)
        assert_failed(send(shop, (headers, body + b" ")), 400)
        assert_failed(send(shop, (without, body)), 400)
        assert_failed(send(shop, (headers, body), **{f"Wechatpay-{name}": "AAAA"}), 400)


def test_the_headers_may_come_in_any_case(shop: Shop, purchase: Purchase) -> None:
    headers, body = told(shop, purchase)

    assert_taken(send(shop, ({name.upper(): value for name, value in headers.items()}, body)))


def test_a_probe_is_refused_like_any_bad_signature(shop: Shop, purchase: Purchase) -> None:
    headers, body = told(shop, purchase)
    signature = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]

    with shop.unchanged():
        answer = send(shop, (headers, body), **{"Wechatpay-Signature": signature})

    assert_failed(answer, 400)


def test_a_stale_notification_is_refused(shop: Shop, purchase: Purchase) -> None:
    _, body = told(shop, purchase)
    at = wiring.clock().now() - timedelta(minutes=6)

    with shop.unchanged():
        answer = send(shop, (shop.wechat_peer.headers(body, at=at), body))

    assert_failed(answer, 400)


@pytest.mark.parametrize("changes", [{"appid": "wx9"}, {"mchid": "1900000002"}], ids=str)
def test_i2_a_payment_to_another_account_is_refused(
    shop: Shop, purchase: Purchase, changes: dict[str, str]
) -> None:
    with shop.unchanged():
        answer = send(shop, told(shop, purchase, **changes))

    assert_failed(answer, 400)


def test_a_payment_that_we_do_not_know_is_asked_for_again(shop: Shop) -> None:
    purchase = shop.order()

    with shop.unchanged():
        answer = send(shop, told(shop, purchase))

    assert_failed(answer, 500)


def test_i1_another_amount_is_owed_back_and_buys_nothing(shop: Shop, purchase: Purchase) -> None:
    amount = {"total": 1, "payer_total": 1, "currency": "CNY", "payer_currency": "CNY"}

    assert_taken(send(shop, told(shop, purchase, amount=amount)))

    assert shop.result(purchase)["orderStatus"] == "600001"
    assert shop.messages_of(purchase) == []
    (refund,) = shop.refunds_of(purchase)
    assert (refund["status"]["S"], refund["amount_fen"]["N"]) == ("owed", "1")


@pytest.mark.parametrize("state", ["NOTPAY", "CLOSED", "USERPAYING", "SOMETHING_NEW"])
def test_i2_a_state_that_is_no_payment_grants_nothing(
    shop: Shop, purchase: Purchase, state: str
) -> None:
    answer = send(shop, told(shop, purchase, trade_state=state))

    assert answer.status in {204, 500}
    assert shop.result(purchase)["orderStatus"] == "600001"
    assert shop.messages_of(purchase) == []


def test_a_refund_made_at_the_platform_is_heard(shop: Shop, purchase: Purchase) -> None:
    trade = told(shop, purchase)
    assert_taken(send(shop, trade))
    now = wiring.clock().now()
    notice = a_refund_notice(
        out_trade_no=purchase.pay_no, out_refund_no=f"m{new_id()}", success_time=to_rfc3339(now)
    )

    answer = send(
        shop, shop.wechat_peer.notify(notice, event_type="REFUND.SUCCESS", at=now, id=new_id())
    )

    assert_taken(answer)
    (refund,) = shop.refunds_of(purchase)
    assert (refund["kind"]["S"], refund["amount_fen"]["N"]) == ("external", "200")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b"\xff\xfe", 400),
        ("\ufffd".encode(), 400),
        (b"x" * 70_000, 413),
        (b"[" * 60_000, 400),
    ],
    ids=["empty", "an object", "not UTF-8", "mangled on the way", "too large", "deep"],
)
@pytest.mark.parametrize("raw_bytes", [False, True])
def test_i10_a_body_that_is_none_is_refused_even_if_it_is_signed(
    shop: Shop, body: bytes, status: int, raw_bytes: bool
) -> None:
    headers = shop.wechat_peer.headers(body, at=wiring.clock().now())

    with shop.unchanged():
        unsigned = shop.client.send("POST", PATH, body=body, raw_bytes=raw_bytes)
        signed = shop.client.send("POST", PATH, headers=headers, body=body, raw_bytes=raw_bytes)

    assert_failed(unsigned, status)
    assert signed.status in {status, 500}
    assert json.loads(signed.body)["code"] == "FAIL"


def test_a_notification_of_alipays_is_none_of_wechats(shop: Shop) -> None:
    other = shop.opened()
    with shop.unchanged():
        answer = shop.client.post_form(PATH, shop.notify_fields(other))

    assert_failed(answer, 400)
