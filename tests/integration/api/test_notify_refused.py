"""``receivenotify``: what is not Alipay's, not ours or not readable changes but the notify log."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from chalicelib import wiring
from tests.integration.api.client import (
    FORM,
    JSON,
    assert_notify_failed,
    assert_notify_taken,
    assert_refused,
)
from tests.integration.api.shop import Purchase, Shop, new_id

PATH = "/orders/receivenotify"
NEEDED = ["out_trade_no", "trade_no", "notify_id", "trade_status", "total_amount", "gmt_payment"]
IDENTITY = ["app_id", "seller_id"]
UNREADABLE = [
    ("total_amount", "9.9O"),
    ("total_amount", "-9.90"),
    ("total_amount", "0.00"),
    ("total_amount", "9.900"),
    ("total_amount", "９.90"),
    ("total_amount", "1e1"),
    ("gmt_payment", "2026-03-01"),
    ("gmt_payment", "yesterday"),
    ("refund_fee", "99.00"),
    ("refund_fee", "x"),
    ("out_trade_no", "1"),
    ("out_trade_no", "9" * 5000),
    ("out_trade_no", "支付"),
]


@pytest.fixture(scope="module")
def purchase(shop: Shop) -> Purchase:
    return shop.opened()


def test_i2_a_wrong_signature_is_refused(shop: Shop, purchase: Purchase) -> None:
    fields = shop.notify_fields(purchase)
    other = shop.notify_fields(purchase, total_amount="0.01")

    with shop.unchanged():
        for sign in ("", "AAAA", "!", other["sign"], fields["sign"][:-4] + "AAA="):
            assert_notify_failed(shop.send_notify({**fields, "sign": sign}), 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"total_amount": "0.01"},
        {"trade_status": "TRADE_FINISHED"},
        {"out_trade_no": "1"},
        {"extra": "1"},
        {"subject": "x "},
    ],
    ids=str,
)
def test_i2_what_was_changed_after_signing_is_refused(
    shop: Shop, purchase: Purchase, changes: dict[str, str]
) -> None:
    with shop.unchanged():
        answer = shop.send_notify({**shop.notify_fields(purchase), **changes})

    assert_notify_failed(answer, 400)


@pytest.mark.parametrize("sign_type", ["RSA", "", "NONE", "rsa2"])
def test_another_kind_of_signature_is_refused(
    shop: Shop, purchase: Purchase, sign_type: str
) -> None:
    with shop.unchanged():
        answer = shop.send_notify({**shop.notify_fields(purchase), "sign_type": sign_type})

    assert_notify_failed(answer, 400)


@pytest.mark.parametrize("field", ["sign", "sign_type"])
def test_a_notification_without_signature_is_refused(
    shop: Shop, purchase: Purchase, field: str
) -> None:
    fields = shop.notify_fields(purchase)
    del fields[field]

    with shop.unchanged():
        answer = shop.send_notify(fields)

    assert_notify_failed(answer, 400)


@pytest.mark.parametrize("field", IDENTITY)
def test_i2_a_payment_to_another_merchant_account_is_refused(
    shop: Shop, purchase: Purchase, field: str
) -> None:
    with shop.unchanged():
        assert_notify_failed(shop.notify(purchase, **{field: "2088999999999999"}), 400)
        assert_notify_failed(shop.notify(purchase, **{field: ""}), 400)
        assert_notify_failed(shop.notify(purchase, without=(field,)), 400)


@pytest.mark.parametrize("field", NEEDED)
def test_a_field_that_is_needed_and_missing_or_blank_is_asked_for_again(
    shop: Shop, purchase: Purchase, field: str
) -> None:
    with shop.unchanged():
        assert_notify_failed(shop.notify(purchase, without=(field,)), 500)
        assert_notify_failed(shop.notify(purchase, **{field: ""}), 500)
        assert_notify_failed(shop.notify(purchase, **{field: "  "}), 500)


@pytest.mark.parametrize(
    ("field", "value"), UNREADABLE, ids=[f"{name}={value[:12]}" for name, value in UNREADABLE]
)
def test_a_field_that_cannot_be_used_is_asked_for_again(
    shop: Shop, purchase: Purchase, field: str, value: str
) -> None:
    with shop.unchanged():
        answer = shop.notify(purchase, **{field: value})

    assert_notify_failed(answer, 500)


@pytest.mark.parametrize("field", ["total_amount", "trade_status", "sign", "app_id", "subject"])
def test_a_name_that_comes_twice_is_refused(shop: Shop, purchase: Purchase, field: str) -> None:
    fields = shop.notify_fields(purchase)
    body = urlencode(fields)
    same = urlencode({field: fields[field]})

    with shop.unchanged():
        assert_notify_failed(shop.send_notify(f"{body}&{same}".encode()), 400)
        assert_notify_failed(shop.send_notify(f"{field}=1&{body}".encode()), 400)
        assert_notify_failed(shop.send_notify(f"{body}&{field}=".encode()), 400)


@pytest.mark.parametrize("charset", ["GBK", "gb2312", "iso-8859-1", ""])
def test_another_charset_is_refused(shop: Shop, purchase: Purchase, charset: str) -> None:
    with shop.unchanged():
        answer = shop.notify(purchase, charset=charset)

    assert_notify_failed(answer, 400)


def test_escaped_bytes_of_another_charset_are_refused(shop: Shop, purchase: Purchase) -> None:
    fields = shop.notify_fields(purchase)

    with shop.unchanged():
        for body in (
            urlencode(fields, encoding="gbk").encode(),
            urlencode(fields).encode() + b"&x=%FF",
            urlencode(fields).encode() + b"&x=%zz",
            urlencode(fields).encode() + b"&x",
        ):
            assert_notify_failed(shop.send_notify(body), 400)


@pytest.mark.parametrize("body", [b"", b"x", b"{}", b"&&&", b"=", b"%", b"\x00" * 100])
def test_what_is_no_form_is_refused(shop: Shop, body: bytes) -> None:
    with shop.unchanged():
        answer = shop.client.send("POST", PATH, content_type=FORM, body=body)

    assert_notify_failed(answer, 400)


@pytest.mark.parametrize(
    "content_type", [JSON, "text/xml", "multipart/form-data; boundary=x", None]
)
def test_another_content_type_is_refused(
    shop: Shop, purchase: Purchase, content_type: str | None
) -> None:
    body = urlencode(shop.notify_fields(purchase)).encode()

    with shop.unchanged():
        answer = shop.client.send("POST", PATH, content_type=content_type, body=body)

    assert_refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_browser_return_is_no_notification(shop: Shop, purchase: Purchase) -> None:
    fields = shop.alipay.return_query(out_trade_no=purchase.pay_no)

    with shop.unchanged():
        assert_notify_failed(shop.send_notify(fields), 400)
        assert_notify_failed(shop.notify(purchase, method="alipay.trade.wap.pay.return"), 400)


def test_a_notification_in_the_query_is_none(shop: Shop, purchase: Purchase) -> None:
    fields = shop.notify_fields(purchase)

    with shop.unchanged():
        answer = shop.client.send("POST", PATH, query=fields, content_type=FORM)

    assert_notify_failed(answer, 400)


def test_a_trade_that_paid_another_attempt_cannot_pay_this_one(
    shop: Shop, purchase: Purchase
) -> None:
    other = shop.opened()
    fields = shop.notify_fields(other)
    assert_notify_taken(shop.send_notify(fields))

    with shop.unchanged():
        answer = shop.notify(purchase, trade_no=fields["trade_no"])

    assert_notify_failed(answer, 503)


def test_the_evidence_of_what_was_refused_is_short_and_expires(
    shop: Shop, purchase: Purchase
) -> None:
    wiring.payment_results.cache_clear()  # it keeps evidence of so many in a minute
    fields = shop.notify_fields(purchase, body=f"{new_id()}{'x' * 60_000}")

    with shop.unchanged():
        assert_notify_failed(shop.send_notify({**fields, "total_amount": "0.01"}), 400)

    (evidence,) = shop.refused_notifies(fields["notify_id"])
    assert len(evidence["body"]["S"]) <= 4096
    assert "expires" in evidence
    assert shop.notifies_of(purchase) == []


def test_what_was_refused_does_not_stand_in_the_way_of_the_true_one(shop: Shop) -> None:
    purchase = shop.opened()
    fields = shop.notify_fields(purchase)
    with shop.unchanged():
        assert_notify_failed(shop.send_notify({**fields, "total_amount": "0.01"}), 400)
        assert shop.notifies_of(purchase) == []

    assert_notify_taken(shop.send_notify(fields))

    assert shop.result(purchase)["orderStatus"] == "600002"
