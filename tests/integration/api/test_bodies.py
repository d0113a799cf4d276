"""Bodies that are too large or not UTF-8, on each route that reads one.

API Gateway hands a body over as text, with U+FFFD where it was not UTF-8; another front may hand
the bytes over as they are. The answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.integration.api.client import (
    FORM,
    JSON,
    Answer,
    assert_notify_failed,
    assert_page_refuses,
    assert_refused,
)
from tests.integration.api.shop import Purchase, Shop

LIMIT = 64 * 1024
Refused = Callable[[Answer, int, str], None]


class Route(NamedTuple):
    path: str
    content_type: str
    refused: Refused


def _as_json(answer: Answer, status: int, says: str) -> None:
    code = "PAYLOAD_TOO_LARGE" if status == 413 else "INVALID_REQUEST"
    assert_refused(answer, status, code, says)


def _as_text_for_alipay(answer: Answer, status: int, says: str) -> None:
    assert_notify_failed(answer, status)


ROUTES = {
    "generatepaycode": Route("/orders/generatepaycode", JSON, _as_json),
    "requestpay": Route("/orders/requestpay", FORM, assert_page_refuses),
    "receivenotify": Route("/orders/receivenotify", FORM, _as_text_for_alipay),
}
NOT_UTF_8 = {
    "a stray byte": b"\xff",
    "half a character": "支".encode()[:2],
    "GBK": "支付".encode("gbk"),
    "a surrogate": b"\xed\xa0\x80",
    "an overlong form": b"\xc0\xaf",
    "U+FFFD itself": "\ufffd".encode(),
    "too many of them": b"\xff" * (LIMIT - 200),
}


@pytest.fixture(scope="module")
def purchase(shop: Shop) -> Purchase:
    return shop.opened()


def _good_body(shop: Shop, purchase: Purchase, name: str) -> bytes:
    """What the route would accept."""
    match name:
        case "generatepaycode":
            return b'{"orderName":"?","outBusinessId":"%s","orderType":"60201"}' % (
                purchase.record_id.encode()
            )
        case "requestpay":
            token = shop.sign("open", purchase.pay_no)
            return f"note=?&payNo={purchase.pay_no}&token={token}".encode()
        case _:
            return b"subject=?&" + shop.alipay.notify(out_trade_no=purchase.pay_no)


def _sent(shop: Shop, purchase: Purchase, route: Route, body: bytes, *, raw: bool) -> Answer:
    return shop.client.send(
        "POST",
        route.path,
        token=purchase.student.token,
        content_type=route.content_type,
        body=body,
        raw_bytes=raw,
    )


@pytest.mark.parametrize("wrong", NOT_UTF_8.values(), ids=NOT_UTF_8)
@pytest.mark.parametrize("name", ROUTES)
def test_i10_a_body_that_is_not_utf_8_gets_the_same_answer_as_bytes_and_as_text(
    shop: Shop, purchase: Purchase, name: str, wrong: bytes
) -> None:
    route = ROUTES[name]
    body = _good_body(shop, purchase, name).replace(b"?", wrong)

    with shop.unchanged():
        as_bytes = _sent(shop, purchase, route, body, raw=True)
        as_text = _sent(shop, purchase, route, body, raw=False)

    for answer in (as_bytes, as_text):
        route.refused(answer, 400, "不是 UTF-8 编码")


@pytest.mark.parametrize("raw", [False, True], ids=["as text", "as bytes"])
@pytest.mark.parametrize("name", ROUTES)
def test_i10_a_body_over_64_kib_is_refused(
    shop: Shop, purchase: Purchase, name: str, raw: bool
) -> None:
    route = ROUTES[name]
    good = _good_body(shop, purchase, name)

    with shop.unchanged():
        for filler in (b"x" * (LIMIT + 1), "支".encode() * (LIMIT // 3 + 1)):
            answer = _sent(shop, purchase, route, good.replace(b"?", filler), raw=raw)
            route.refused(answer, 413, "请求内容过大")


@pytest.mark.parametrize("name", ["generatepaycode", "requestpay"])
def test_a_body_of_just_64_kib_is_read(shop: Shop, purchase: Purchase, name: str) -> None:
    good = _good_body(shop, purchase, name)
    body = good.replace(b"?", b"x" * (LIMIT - len(good) + 1))
    assert len(body) == LIMIT

    with shop.unchanged():
        answer = _sent(shop, purchase, ROUTES[name], body, raw=False)

    assert answer.status == 200


def test_a_body_that_no_route_reads_may_be_anything(shop: Shop, purchase: Purchase) -> None:
    path = f"/learning/choosecourse/{purchase.goods_id}"
    plain = shop.choose(purchase.student, purchase.goods_id).ok()

    with shop.unchanged():
        for body in (b"\xff", b"{", b"x" * (LIMIT + 1)):
            answer = shop.client.send(
                "POST", path, token=purchase.student.token, content_type=JSON, body=body
            )
            assert answer.ok() == plain
