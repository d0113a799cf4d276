from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from infra.local.aws.api_gateway import MAX_BODY_BYTES, ApiGateway
from infra.local.aws.gateway import GatewayServer
from tests.integration.local import sample_app

ORIGIN = "https://h5.example"


@pytest.fixture(scope="module")
def server() -> Iterator[GatewayServer]:
    serving = GatewayServer(ApiGateway(sample_app.app, h5_origin=ORIGIN))
    thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
    thread.start()
    yield serving
    serving.stop()
    thread.join()


@pytest.fixture
def http(server: GatewayServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
        yield client


def assert_refused(answer: httpx.Response, status: int, code: str, message: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["errCode"], body["errMessage"]) == (status, code, message)
    assert body["requestId"] == answer.headers["x-amzn-RequestId"]
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}])
def test_no_token_is_refused_without_asking_the_authorizer(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    sample_app.authorizer_calls.clear()
    assert_refused(http.get("/mine", headers=headers), 401, "UNAUTHENTICATED", "请先登录")
    assert sample_app.authorizer_calls == []


@pytest.mark.parametrize(
    ("token", "status", "code", "message"),
    [
        ("Bearer forged", 401, "UNAUTHENTICATED", "请先登录"),
        ("Bearer elsewhere", 403, "FORBIDDEN", "没有权限"),
        ("Bearer crash", 500, "INTERNAL_ERROR", "系统繁忙，请稍后再试"),
        ("Bearer nothing", 500, "INTERNAL_ERROR", "系统繁忙，请稍后再试"),
    ],
)
def test_a_refusal_of_the_authorizer_has_our_shape(
    http: httpx.Client, token: str, status: int, code: str, message: str
) -> None:
    answer = http.get("/mine", headers={"Authorization": token})
    assert_refused(answer, status, code, message)


def test_the_view_gets_what_the_authorizer_knows_as_text(http: httpx.Client) -> None:
    answer = http.get("/mine", headers={"authorization": "Bearer ann"})
    assert answer.json() == {"principalId": "ann", "level": "3", "vip": "true"}


def test_the_authorizer_is_asked_each_time(http: httpx.Client) -> None:
    sample_app.authorizer_calls.clear()
    for _ in range(2):
        http.get("/mine", headers={"Authorization": "Bearer ann"})
    assert sample_app.authorizer_calls == ["Bearer ann"] * 2


@pytest.mark.parametrize("token", [{}, {"Authorization": "Bearer ann"}])
def test_an_unknown_path_is_not_found(http: httpx.Client, token: dict[str, str]) -> None:
    assert_refused(http.get("/nowhere?sign=x", headers=token), 404, "NOT_FOUND", "内容不存在")


def test_a_method_that_no_route_has_is_not_found(http: httpx.Client) -> None:
    assert_refused(http.delete("/items/1"), 404, "NOT_FOUND", "内容不存在")
    assert http.head("/items/1").status_code == 404


def test_an_unknown_method_has_our_shape(http: httpx.Client) -> None:
    answer = http.request("BREW", "/items/1")
    assert answer.status_code == 501
    assert answer.json()["errCode"] == "INTERNAL_ERROR"


def test_head_answers_as_get_without_the_body_and_keeps_the_connection(http: httpx.Client) -> None:
    headers = http.head("/preview").headers
    answer = http.get("/preview")
    assert answer.text == "<p>¥9.90</p>"
    assert headers["Content-Length"] == answer.headers["Content-Length"]
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_an_answer_without_content_keeps_the_connection(http: httpx.Client) -> None:
    answer = http.post("/nothing", content=b"x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 204
    assert "Content-Length" not in answer.headers
    assert http.get("/items/1").status_code == 200


def test_a_body_that_breaks_off_does_not_reach_the_app(server: GatewayServer) -> None:
    with socket.create_connection(server.server_address[:2], timeout=30) as connection:
        connection.sendall(b"POST /nothing HTTP/1.1\r\nContent-Type: text/plain\r\n")
        connection.sendall(b"Host: x\r\nContent-Length: 9\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").readline().split()[1] == b"400"


def test_a_preflight_is_answered_by_the_gateway(http: httpx.Client) -> None:
    answer = http.options("/mine")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]


def test_path_and_query_reach_the_view(http: httpx.Client) -> None:
    answer = http.get("/items/42", params={"a": "学", "blank": ""})
    assert answer.json() == {"item": "42", "query": {"a": "学", "blank": ""}}


def test_text_reaches_the_view_as_it_was(http: httpx.Client) -> None:
    sent = "支付 ✓".encode()
    answer = http.post("/body", content=sent, headers={"Content-Type": "text/plain"})
    assert answer.json() == {"hex": sent.hex(), "event": "str"}


def test_what_is_not_utf8_arrives_with_replacement_characters(http: httpx.Client) -> None:
    answer = http.post("/body", content=b"a\xffb", headers={"Content-Type": "text/plain"})
    assert bytes.fromhex(answer.json()["hex"]).decode() == "a\ufffdb"


def test_a_binary_type_arrives_as_it_was(http: httpx.Client) -> None:
    answer = http.post("/body", content=b"a\xffb", headers={"Content-Type": "image/png"})
    assert bytes.fromhex(answer.json()["hex"]) == b"a\xffb"


def test_raw_bodies_can_be_asked_for() -> None:
    server = GatewayServer(ApiGateway(sample_app.app, h5_origin=ORIGIN, bodies_as_text=False))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        url = f"{server.url}/body"
        plain = {"Content-Type": "text/plain"}
        answer = httpx.post(url, content=b"a\xffb", headers=plain, trust_env=False)
    finally:
        server.stop()
        thread.join()
    assert answer.json() == {"hex": b"a\xffb".hex(), "event": "bytes"}


def test_a_body_beyond_ten_megabytes_is_refused(http: httpx.Client) -> None:
    answer = http.post("/body", content=bytes(MAX_BODY_BYTES + 1))
    assert_refused(answer, 413, "PAYLOAD_TOO_LARGE", "请求内容过大")


def test_an_answer_that_is_no_answer_is_a_bad_gateway(http: httpx.Client) -> None:
    assert_refused(http.get("/unusable"), 502, "INTERNAL_ERROR", "系统繁忙，请稍后再试")


def test_the_function_has_29_seconds_that_count_down(http: httpx.Client) -> None:
    assert 28_000 < http.get("/request").json()["remaining"] <= 29_000
    assert http.get("/request?for=0.3").json()["remaining"] <= 28_700


def test_requests_at_the_same_time_do_not_see_each_other(server: GatewayServer) -> None:
    def ask(n: int) -> dict[str, str]:
        url = f"{server.url}/request?for=0.2"
        answer = httpx.get(url, headers={"n": str(n)}, timeout=30, trust_env=False)
        assert answer.json()["requestId"] == answer.headers["x-amzn-RequestId"]
        found: dict[str, str] = answer.json()
        return found

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert [answer["n"] for answer in answers] == [str(n) for n in range(8)]
    assert len({answer["context"] for answer in answers}) == 8


@pytest.mark.parametrize(
    "request_line",
    [b"nonsense\r\n\r\n", b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n"],
)
def test_what_is_no_http_gets_our_shape(server: GatewayServer, request_line: bytes) -> None:
    with socket.create_connection(server.server_address[:2], timeout=30) as connection:
        connection.sendall(request_line)
        answer = connection.makefile("rb").read()
    assert json.loads(answer.splitlines()[-1])["errCode"] == "INVALID_REQUEST"


def test_the_process_logs_without_queries_and_stops_after_what_is_under_way() -> None:
    command = [sys.executable, "-m", "infra.local.aws.gateway", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--app", "tests.integration.local.sample_app:app"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "H5_ORIGIN": ORIGIN},
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("ready ").strip()
        assert httpx.get(f"{url}/items/1?sign=secret", trust_env=False).status_code == 200
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
            connection.sendall(b"GET /request?for=0.6 HTTP/1.1\r\nHost: x\r\n\r\n")
            httpx.request("BREW", f"{url}/?sign=secret", trust_env=False)
            httpx.get(f"{url}/nowhere?sign=secret", trust_env=False)
            # The second request is answered while the first is under way.
            assert httpx.get(f"{url}/items/2?sign=secret", trust_env=False).status_code == 200
            process.send_signal(signal.SIGTERM)
            assert connection.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        log, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "GET /items/1 200 " in log
    assert "secret" not in log
