"""Bodies in, answers and errors out: `chalicelib.http` behind Chalice."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from chalice.app import BadRequestError, ChaliceUnhandledError, NotFoundError

from chalicelib.errors import AppError, NotFound, Unavailable
from chalicelib.http import MAX_BODY_BYTES
from tests.unit.api.sample_api import (
    FORM,
    SECRET,
    asked,
    asked_both_ways,
    asked_by_gateway,
    in_progress,
    sample_app,
)

NOT_UTF8 = "请求内容不是 UTF-8 编码"
NOT_JSON = "请求内容不是有效的 JSON"


def wanted(**more: object) -> bytes:
    return json.dumps({"orderType": "60201", **more}).encode()


def test_an_error_of_ours_has_one_shape_and_names_the_request() -> None:
    error = NotFound("选课记录不存在", detail=SECRET)
    status, headers, body = asked_by_gateway(sample_app(error), "GET", "/raises")
    assert status == 404
    assert body == {"errCode": "NOT_FOUND", "errMessage": "选课记录不存在", "requestId": "req-1"}
    assert list(body) == ["errCode", "errMessage", "requestId"]
    assert headers["Cache-Control"] == "no-store"


def test_a_wait_is_told_in_seconds_and_scripts_may_read_it() -> None:
    status, headers, body = asked_by_gateway(sample_app(in_progress(10)), "GET", "/raises")
    assert (status, body["errCode"]) == (409, "PAYMENT_IN_PROGRESS")
    assert headers["Retry-After"] == "10"
    assert headers["Access-Control-Expose-Headers"] == "Retry-After"


def test_without_a_wait_there_is_no_retry_after() -> None:
    _, headers, _ = asked_by_gateway(sample_app(Unavailable()), "GET", "/raises")
    assert "Retry-After" not in headers


@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), AppError(detail=SECRET)])
@pytest.mark.parametrize("path", ["/raises", "/plain"])
def test_an_unforeseen_error_is_a_500_that_shows_nothing_of_it(error: Exception, path: str) -> None:
    status, _, body = asked_by_gateway(sample_app(error), "GET", path)
    assert status == 500
    assert body == {
        "errCode": "INTERNAL_ERROR",
        "errMessage": AppError.default_message,
        "requestId": "req-1",
    }


def test_what_chalice_lets_through_has_our_shape_too() -> None:
    error = ChaliceUnhandledError(SECRET)
    status, headers, body = asked_by_gateway(sample_app(error), "GET", "/plain")
    assert (status, body["errCode"], body["requestId"]) == (500, "INTERNAL_ERROR", "req-1")
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(NotFoundError(SECRET), 404, "NOT_FOUND"), (BadRequestError(SECRET), 400, "INVALID_REQUEST")],
)
@pytest.mark.parametrize("path", ["/raises", "/plain"])
def test_an_error_of_chalice_keeps_its_status_and_gets_our_shape(
    error: Exception, status: int, code: str, path: str
) -> None:
    answer, headers, body = asked_by_gateway(sample_app(error), "GET", path)
    assert (answer, body["errCode"]) == (status, code)
    assert list(body) == ["errCode", "errMessage", "requestId"]
    assert SECRET not in json.dumps(body)
    assert headers["Cache-Control"] == "no-store"


def test_another_content_type_is_a_415_in_our_shape() -> None:
    status, _, body = asked_by_gateway(
        sample_app(), "POST", "/json", body="<a/>", content_type="text/xml"
    )
    assert (status, body["errCode"], body["requestId"]) == (415, "UNSUPPORTED_MEDIA_TYPE", "req-1")


def test_another_method_is_a_405_in_our_shape() -> None:
    status, headers, body = asked_by_gateway(sample_app(), "GET", "/json")
    assert (status, body["errCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert headers["Allow"] == "POST"


def test_a_path_that_only_the_gateway_knows_is_refused_in_our_shape() -> None:
    status, _, body = asked_by_gateway(sample_app(), "GET", "/not-deployed-yet")
    assert (status, body["errCode"]) == (405, "METHOD_NOT_ALLOWED")


def test_an_answer_of_ours_with_a_field_named_code_stays() -> None:
    assert asked_by_gateway(sample_app(), "GET", "/code")[2] == {"Code": "A1", "Message": "mine"}


def test_a_body_of_64_kib_is_read() -> None:
    body = wanted(padding="")
    body = wanted(padding="x" * (MAX_BODY_BYTES - len(body)))
    assert len(body) == MAX_BODY_BYTES
    assert asked(sample_app(), "POST", "/json", body=body)[0] == 200


@pytest.mark.parametrize(("path", "content_type"), [("/json", "application/json"), ("/form", FORM)])
def test_one_byte_more_is_too_large(path: str, content_type: str) -> None:
    body = b"a" * (MAX_BODY_BYTES + 1)
    status, code, _ = asked_both_ways(
        sample_app(), "POST", path, body=body, content_type=content_type
    )
    assert (status, code) == (413, "PAYLOAD_TOO_LARGE")


def test_the_size_is_counted_in_bytes_not_in_characters() -> None:
    body = json.dumps({"padding": "选" * (MAX_BODY_BYTES // 2)}, ensure_ascii=False)
    assert len(body) < MAX_BODY_BYTES < len(body.encode())
    assert asked(sample_app(), "POST", "/json", body=body.encode())[0] == 413


@pytest.mark.parametrize("count", [1, MAX_BODY_BYTES // 2, MAX_BODY_BYTES * 2])
@pytest.mark.parametrize(("path", "content_type"), [("/json", "application/json"), ("/form", FORM)])
def test_what_is_not_utf8_is_refused_alike_whoever_decodes(
    path: str, content_type: str, count: int
) -> None:
    body = b'{"orderType": "' + b"\xff" * count + b'"}'
    answer = asked_both_ways(sample_app(), "POST", path, body=body, content_type=content_type)
    assert answer == (400, "INVALID_REQUEST", NOT_UTF8)


def test_a_replacement_character_in_bytes_is_refused_as_the_gateway_would() -> None:
    answer = asked_both_ways(sample_app(), "POST", "/json", body='{"a": "\ufffd"}'.encode())
    assert answer == (400, "INVALID_REQUEST", NOT_UTF8)


@pytest.mark.parametrize(
    "body",
    [
        b"orderType=60201",
        b'{"orderType": "60201"',
        b'{"orderType": "\\ud800"}',
        b'{"orderType": "60201", "x": ' + b"[" * 50_000,
        b"\xef\xbb\xbf{}",
    ],
    ids=["a form", "cut off", "half a character", "nested too deep", "byte order mark"],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    answer = asked_both_ways(sample_app(), "POST", "/json", body=body)
    assert answer == (400, "INVALID_REQUEST", NOT_JSON)


def test_no_body_is_not_json() -> None:
    status, _, body = asked_by_gateway(sample_app(), "POST", "/json", body=None)
    assert (status, body["errMessage"]) == (400, NOT_JSON)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"orderType": 60201}', "参数 orderType 有误"),
        (b'{"orderType": null}', "参数 orderType 有误"),
        (b'{"orderType": "60201", "line": {"goodsId": 1}}', "参数 line.goodsId 有误"),
        (b'{"orderType": "60201", "line": {}}', "缺少参数 line.goodsId"),
        (b"{}", "缺少参数 orderType"),
        (b"[]", "请求内容应为 JSON 对象"),
        (b"null", "请求内容应为 JSON 对象"),
    ],
)
def test_a_wrong_or_missing_field_is_named(body: bytes, message: str) -> None:
    answer = asked_both_ways(sample_app(), "POST", "/json", body=body)
    assert answer == (400, "INVALID_REQUEST", message)


def test_unknown_fields_are_ignored() -> None:
    body = wanted(totalPrice="0.01", orderName="便宜", orderDetail=[{"goodsPrice": 0}])
    status, _, answer = asked(sample_app(), "POST", "/json", body=body)
    assert (status, answer) == (200, {"orderType": "60201"})


def test_a_form_is_read_with_its_empty_fields_and_chinese() -> None:
    body = urlencode({"payNo": "1", "subject": "课程", "note": ""}).encode()
    status, _, answer = asked(sample_app(), "POST", "/form", body=body, content_type=FORM)
    assert (status, answer) == (200, {"payNo": "1", "subject": "课程", "note": ""})


@pytest.mark.parametrize(
    "body",
    [b"payNo=1&payNo=1", b"payNo", b"payNo=1&&token=2", b"payNo=%ff"],
    ids=["a field twice", "no value", "no field", "not UTF-8 inside"],
)
def test_what_is_no_proper_form_is_refused(body: bytes) -> None:
    status, code, _ = asked_both_ways(sample_app(), "POST", "/form", body=body, content_type=FORM)
    assert (status, code) == (400, "INVALID_REQUEST")


def test_an_empty_form_has_no_fields() -> None:
    assert asked_by_gateway(sample_app(), "POST", "/form", content_type=FORM)[2] == {}


def test_a_query_parameter_that_comes_twice_is_refused_by_name() -> None:
    query = {"payNo": ["1", "2"], "sign": ["s"]}
    status, _, body = asked_by_gateway(sample_app(), "GET", "/query", query=query)
    assert (status, body["errCode"], body["errMessage"]) == (
        400,
        "INVALID_REQUEST",
        "参数 payNo 重复",
    )


@pytest.mark.parametrize(
    ("query", "read"), [(None, {}), ({"payNo": ["1"], "sign": [""]}, {"payNo": "1", "sign": ""})]
)
def test_a_query_is_read(query: dict[str, list[str]] | None, read: dict[str, str]) -> None:
    assert asked_by_gateway(sample_app(), "GET", "/query", query=query)[2] == read
