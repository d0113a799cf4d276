"""``notify/wechat``: what is not WeChat's, not ours or not readable changes but the notify log.

Each case has another reason. The status decides whether WeChat sends a notification again, so each
asserts it exactly.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from chalicelib import wiring
from tests.integration.api import in_wechat
from tests.integration.api.client import Answer
from tests.integration.api.in_wechat import changed, notify, sealed, send, trade_of
from tests.integration.api.shop import Purchase, Shop, new_id
from tests.wechat_peer import PUBLIC_KEY_ID

Case = Callable[[Shop, Purchase], Answer]
Headers = dict[str, str]


def assert_failed(answer: Answer, status: int) -> None:
    """What makes WeChat send it again, and tells nothing."""
    assert answer.status == status, answer.text
    assert answer.json()["code"] == "FAIL"
    assert len(answer.text) < 100


def _header(**changes: str | None) -> Case:
    """A good notification with other headers."""

    def case(shop: Shop, purchase: Purchase) -> Answer:
        headers, body = sealed(shop, trade_of(purchase))
        for name, value in changes.items():
            header = f"Wechatpay-{name.replace('_', '-').title()}"
            headers.pop(header)
            if value is not None:
                headers[header] = value
        return send(shop, headers, body)

    return case


def _body(change: Callable[[bytes], bytes]) -> Case:
    """A good notification whose body was changed after it was signed."""

    def case(shop: Shop, purchase: Purchase) -> Answer:
        headers, body = sealed(shop, trade_of(purchase))
        return send(shop, headers, change(body))

    return case


def _signed_body(change: Callable[[bytes], bytes]) -> Case:
    """A body that WeChat would never send, but with its signature."""

    def case(shop: Shop, purchase: Purchase) -> Answer:
        _, body = sealed(shop, trade_of(purchase))
        body = change(body)
        return send(shop, shop.wechat_peer.headers(body, at=wiring.clock().now()), body)

    return case


def _told(*, without: tuple[str, ...] = (), **changes: object) -> Case:
    """Signed and sealed, but the trade itself is another one."""
    return lambda shop, purchase: notify(shop, trade_of(purchase, without=without, **changes))


def _refund(**changes: object) -> Case:
    return lambda shop, purchase: notify(
        shop, in_wechat.refund_of(purchase, **changes), event_type="REFUND.SUCCESS"
    )


def _stale(shop: Shop, purchase: Purchase, *, by: timedelta) -> Answer:
    return notify(shop, trade_of(purchase), at=wiring.clock().now() + by)


def _another_ones_signature(shop: Shop, purchase: Purchase) -> Answer:
    headers, body = sealed(shop, trade_of(purchase))
    other, _ = sealed(shop, trade_of(purchase))
    return send(shop, {**headers, "Wechatpay-Signature": other["Wechatpay-Signature"]}, body)


def _probe(shop: Shop, purchase: Purchase) -> Answer:
    headers, body = sealed(shop, trade_of(purchase))
    sign = headers["Wechatpay-Signature"]
    return send(shop, {**headers, "Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{sign}"}, body)


def _sealed_with_another_key(shop: Shop, purchase: Purchase) -> Answer:
    return notify(shop, trade_of(purchase), api_v3_key="x" * 32)


def _signed_by_the_merchant(shop: Shop, purchase: Purchase) -> Answer:
    headers, body = sealed(shop, trade_of(purchase))
    peer = type(shop.wechat_peer)()  # keys of nobody whom we know
    return send(shop, {**headers, **peer.headers(body, at=wiring.clock().now())}, body)


def _resource(**changes: str) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        resource = {**json.loads(body)["resource"], **changes}
        return changed(body, resource=resource)

    return change


def _another_channels_attempt(shop: Shop, purchase: Purchase) -> Answer:
    return notify(shop, trade_of(shop.opened()))


def _an_unopened_attempt(shop: Shop, purchase: Purchase) -> Answer:
    return notify(shop, trade_of(shop.order()))


REJECTED: Mapping[str, Case] = {
    "no signature": _header(signature=None),
    "no serial": _header(serial=None),
    "no timestamp": _header(timestamp=None),
    "no nonce": _header(nonce=None),
    "an empty signature": _header(signature=""),
    "a signature that is no base64": _header(signature="!!!!"),
    "the signature of another notification": _another_ones_signature,
    "a probe of WeChat's": _probe,
    "signed by somebody else": _signed_by_the_merchant,
    "the serial of a platform certificate": _header(
        serial="5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
    ),
    "another public key id": _header(serial=f"{PUBLIC_KEY_ID}9"),
    "a serial that is no number": _header(serial="../v3/certificates"),
    "another nonce": _header(nonce="0" * 32),
    "a timestamp that is no number": _header(timestamp="now"),
    "a timestamp of another time": _header(timestamp="1"),
    "another kind of signature": _header(signature_type="WECHATPAY2-SM2-WITH-SM3"),
    "six minutes old": lambda s, p: _stale(s, p, by=-timedelta(minutes=6)),
    "six minutes ahead": lambda s, p: _stale(s, p, by=timedelta(minutes=6)),
    "a day old": lambda s, p: _stale(s, p, by=-timedelta(days=1)),
    "another event type after signing": _body(lambda b: changed(b, event_type="REFUND.SUCCESS")),
    "one space more": _body(lambda b: b + b" "),
    "other JSON, same content": _body(lambda b: json.dumps(json.loads(b), indent=1).encode()),
    "another ciphertext after signing": _body(_resource(ciphertext="AAAA")),
    "an empty body": _body(lambda _: b""),
    "sealed with another APIv3 key": _sealed_with_another_key,
    "a ciphertext that was cut": _signed_body(
        _resource(ciphertext=base64.b64encode(b"x" * 20).decode())
    ),
    "another sealing nonce": _signed_body(_resource(nonce="000000000000")),
    "other associated data": _signed_body(_resource(associated_data="refund")),
    "another algorithm": _signed_body(_resource(algorithm="AEAD_SM4_GCM")),
    "signed, but no JSON": _signed_body(lambda _: b"<xml></xml>"),
    "signed, but no object": _signed_body(lambda _: b"[]"),
    "signed, without resource": _signed_body(lambda b: changed(b, resource=None)),
    "for another appid": _told(appid="wx9999999999999999"),
    "for no appid": _told(without=("appid",)),
    "for another mchid": _told(mchid="1900000999"),
    "for no mchid": _told(without=("mchid",)),
    "a refund of another mchid": _refund(mchid="1900000999"),
}

UNUSABLE: Mapping[str, Case] = {
    "an out_trade_no that nobody has": _told(out_trade_no="1"),
    "no out_trade_no": _told(without=("out_trade_no",)),
    "an out_trade_no that is a path": _told(out_trade_no="1/close?x="),
    "an endless out_trade_no": _told(out_trade_no="9" * 4000),
    "an out_trade_no that is a number": _told(out_trade_no=1),
    "no transaction_id": _told(without=("transaction_id",)),
    "no amount": _told(without=("amount",)),
    "an amount in yuan": _told(amount={"total": 9.9, "currency": "CNY"}),
    "an amount in text": _told(amount={"total": "990", "currency": "CNY"}),
    "an amount below zero": _told(amount={"total": -990, "currency": "CNY"}),
    "another currency": _told(amount={"total": 990, "currency": "USD"}),
    "no success_time": _told(without=("success_time",)),
    "a success_time without offset": _told(success_time="2026-03-01T12:00:00"),
    "a success_time in the year 9999": _told(success_time="9999-12-31T23:59:59+08:00"),
    "no trade_state": _told(without=("trade_state",)),
    "an attempt that is open at Alipay": _another_channels_attempt,
    "an attempt that nobody opened": _an_unopened_attempt,
    "a refund without its number": _refund(out_refund_no=""),
    "a refund of an amount in text": _refund(amount={"total": 990, "refund": "200"}),
    "a refund of a payment that we do not know of": _refund(),
}


@pytest.fixture(scope="module")
def purchase(shop: Shop) -> Purchase:
    return in_wechat.opened(shop)


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED)
def test_what_is_not_wechats_or_not_ours_is_rejected(
    shop: Shop, purchase: Purchase, case: Case
) -> None:
    with shop.unchanged():
        answer = case(shop, purchase)
    assert_failed(answer, 400)
    assert shop.notifies_of(purchase) == []


@pytest.mark.parametrize("case", UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_ours_but_cannot_be_placed_is_asked_for_again(
    shop: Shop, purchase: Purchase, case: Case
) -> None:
    if case in (_another_channels_attempt, _an_unopened_attempt):
        answer = case(shop, purchase)
    else:
        with shop.unchanged():
            answer = case(shop, purchase)
    assert_failed(answer, 500)
    assert shop.notifies_of(purchase) == []
    assert shop.result(purchase)["orderStatus"] == "600001"


def test_a_body_that_is_no_text_is_rejected(shop: Shop, purchase: Purchase) -> None:
    headers, _ = sealed(shop, trade_of(purchase))
    with shop.unchanged():
        assert_failed(send(shop, headers, b"\xff\xfe{"), 400)


def test_an_endless_body_is_rejected(shop: Shop, purchase: Purchase) -> None:
    headers, body = sealed(shop, trade_of(purchase), summary="x" * 70_000)
    with shop.unchanged():
        assert_failed(send(shop, headers, body), 413)


def test_what_was_rejected_is_kept_short_and_names_nobody(shop: Shop, purchase: Purchase) -> None:
    wiring.payment_results.cache_clear()  # it keeps evidence of so many in a minute
    headers, body = sealed(shop, trade_of(purchase), id=f"EV-{new_id()}", summary="x" * 20_000)
    with shop.unchanged():
        assert_failed(send(shop, {**headers, "Wechatpay-Nonce": "0"}, body), 400)
    (evidence,) = shop.refused_notifies(json.loads(body)["id"])
    assert len(evidence["body"]["S"]) <= 4096
    assert "expires" in evidence


def test_after_all_that_the_true_notification_settles(shop: Shop) -> None:
    purchase = in_wechat.opened(shop)
    trade = trade_of(purchase)
    assert_failed(notify(shop, {**trade, "mchid": "1"}), 400)
    answer = notify(shop, trade)
    assert (answer.status, answer.body) == (204, b"")
    assert shop.result(purchase)["orderStatus"] == "600002"
    assert len(shop.messages_of(purchase)) == 1

    again = notify(shop, trade)
    assert (again.status, len(shop.messages_of(purchase))) == (204, 1)
