"""The check of answers against docs/api.yaml finds what it is there to find."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.api_contract import Undocumented, assert_documented, assert_documented_answer

HTML = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
NO_STORE = {"Cache-Control": "no-store"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
REFUSED = {"errCode": "PAYMENT_IN_PROGRESS", "errMessage": "处理中，请稍候", "requestId": "1"}
PAYER_SEES = {
    "payNo": "91234567890123458",
    "orderName": "Java 编程思想",
    "totalPrice": "9.90",
    "totalPriceFen": 990,
    "status": "601001",
    "orderStatus": "600001",
}


def refused(method: str, target: str, status: int, headers: dict[str, str], body: object) -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(Undocumented) as caught:
        assert_documented(method, target, status, headers, text)
    return str(caught.value)


def test_a_documented_answer_passes() -> None:
    assert_documented("GET", "/health", 200, {}, '{"status":"ok"}')
    assert_documented(
        "get", "/health?now=1", 200, {"content-type": "application/json"}, b'{"status":"ok"}'
    )
    assert_documented("GET", "/orders/payresult?payNo=1", 200, NO_STORE, json.dumps(PAYER_SEES))
    assert_documented("POST", "/orders/receivenotify", 200, TEXT, "success")
    assert_documented("GET", "/orders/requestpay", 200, HTML, "<!doctype html>\n收银台")
    location = {
        "Location": "https://h5.example.com/r?payNo=1&sign=k1.1.x",
        "Cache-Control": "no-store",
    }
    assert_documented("GET", "/orders/alipayreturn", 302, location, "")
    assert_documented(
        "POST", "/orders/generatepaycode", 409, {"Retry-After": "10"}, json.dumps(REFUSED)
    )


def test_an_answer_over_http_passes_below_its_stage() -> None:
    request = httpx.Request("GET", "https://api.example.com/prod/health?x=1")
    answer = httpx.Response(200, json={"status": "ok"}, request=request)
    assert_documented_answer(answer, base_path="/prod")
    with pytest.raises(Undocumented):
        assert_documented_answer(answer)


def test_what_head_sends_along_is_not_looked_at() -> None:
    assert_documented("HEAD", "/orders/requestpay", 200, HTML, "<!doctype html>")


def test_an_unknown_path_method_status_or_content_type_fails() -> None:
    body = {"status": "ok"}
    assert "Path not found" in refused("GET", "/healthy", 200, {}, body)
    assert "Operation post not found" in refused("POST", "/health", 200, {}, body)
    assert "201" in refused("GET", "/health", 201, {}, body)
    assert "text/plain" in refused("GET", "/health", 200, TEXT, body)


def test_a_field_too_many_or_too_few_fails() -> None:
    assert "'uptime' was unexpected" in refused(
        "GET", "/health", 200, {}, {"status": "ok", "uptime": 1}
    )
    assert "'status' is a required property" in refused("GET", "/health", 200, {}, {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("totalPrice", "9.9"),
        ("totalPrice", 9.90),
        ("totalPriceFen", "990"),
        ("totalPriceFen", 990.5),
        ("payNo", 91234567890123458),
        ("payNo", "a1"),
        ("status", "600001"),
        ("orderStatus", None),
    ],
)
def test_a_field_in_another_format_fails_and_is_named(field: str, value: object) -> None:
    text = refused("GET", "/orders/payresult", 200, NO_STORE, {**PAYER_SEES, field: value})
    assert f"$.{field}:" in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expiresAt", "2026-01-05 09:30:00"),
        ("expiresAt", "2026-01-05T01:30:00Z"),
        ("now", "2026-13-05T09:30:00+08:00"),
        ("createDate", "2026-01-05T09:30:00"),
    ],
)
def test_a_moment_in_another_format_fails(field: str, value: str) -> None:
    good = {
        **PAYER_SEES,
        "id": "91234567890123458",
        "outPayNo": None,
        "outPayChannel": None,
        "orderId": "91234567890123459",
        "currency": "CNY",
        "createDate": "2026-01-05 09:00:00",
        "paySuccessTime": None,
        "userId": "student-1",
        "paidByPayNo": None,
        "expiresAt": "2026-01-05T09:30:00+08:00",
        "now": "2026-01-05T09:00:00+08:00",
    }
    assert_documented("GET", "/orders/payresult", 200, NO_STORE, json.dumps(good))
    assert refused("GET", "/orders/payresult", 200, NO_STORE, {**good, field: value})


def test_an_error_code_of_another_route_fails() -> None:
    text = refused("POST", "/learning/choosecourse/117", 409, {}, REFUSED)
    assert "$.errCode" in text


def test_an_error_in_another_shape_fails() -> None:
    assert refused("GET", "/orders/payresult", 401, {}, {"message": "Unauthorized"})


def test_a_missing_or_wrong_header_fails() -> None:
    text = refused("GET", "/orders/alipayreturn", 302, {"Cache-Control": "no-store"}, "")
    assert "Location" in text
    assert refused("POST", "/orders/generatepaycode", 409, {"Retry-After": "soon"}, REFUSED)


def test_a_body_where_none_is_documented_fails() -> None:
    location = {
        "Location": "https://h5.example.com/r?payNo=1&sign=k1.1.x",
        "Cache-Control": "no-store",
    }
    assert "a body" in refused("GET", "/orders/alipayreturn", 302, location, "hello")


@pytest.mark.parametrize("body", ["", "{", "success"])
def test_a_body_that_is_no_json_fails(body: str) -> None:
    assert refused("GET", "/health", 200, {}, body)
