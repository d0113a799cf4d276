"""The management API, played by a server that answers what it is told to."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chalicelib.errors import BrokerError
from chalicelib.mq.drift.found import FoundBinding
from chalicelib.mq.management import ManagementAddress, ManagementApi
from chalicelib.secrets import FetchedSecrets, secrets_for
from chalicelib.settings import Settings, SettingsError
from tests.unit.mq.builders import TOPOLOGY

PASSWORD = "p@ss/wörd"
IN_A_URL = "p%40ss%2Fw%C3%B6rd"


class Api(ThreadingHTTPServer):
    """Knows one password, and answers each kind with what stands under its name."""

    def __init__(self) -> None:
        self.password = PASSWORD
        self.answers: dict[str, Any] = {"exchanges": [], "queues": [], "bindings": []}
        self.status = 200
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        login = base64.b64encode(f"ops:{self.server.password}".encode()).decode()
        known = self.headers["Authorization"] == f"Basic {login}"
        kind = self.path.split("/")[2]
        answer = self.server.answers[kind]
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(self.server.status if known else 401)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Api]:
    with Api() as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield api
        api.shutdown()
        thread.join()


def an_api(url: str, vhost: str = "/", secrets: Mapping[str, str] | None = None) -> ManagementApi:
    settings = Settings.from_env({"RABBITMQ_MANAGEMENT_URL": url})
    fetched = FetchedSecrets(lambda: secrets or {})
    return ManagementApi(ManagementAddress(settings, lambda: fetched), lambda: vhost)


def test_what_is_there_is_read_from_the_virtual_host_with_its_numbers(server: Api) -> None:
    server.answers = {
        "exchanges": [{"name": "e", "type": "fanout", "durable": True, "arguments": []}],
        "queues": [
            {
                "name": "q",
                "type": "quorum",
                "durable": True,
                "arguments": {"x-queue-type": "quorum"},
                "effective_policy_definition": {"message-ttl": 5},
                "messages_ready": 3,
                "messages_unacknowledged": 2,
                "messages_dlx": 1,
                "consumers": 4,
            },
            {"name": "new", "type": "classic", "durable": True, "arguments": {}},
        ],
        "bindings": [
            {"source": "", "destination": "q", "destination_type": "queue"},
            {"source": "e", "destination": "q", "destination_type": "queue"},
            {"source": "e", "destination": "other", "destination_type": "exchange"},
        ],
    }

    found = an_api(f"http://ops:{IN_A_URL}@{server.place}/", vhost="shop/cn").look(TOPOLOGY)

    assert [path.partition("?")[0] for path in server.asked] == [
        "/api/exchanges/shop%2Fcn",
        "/api/queues/shop%2Fcn",
        "/api/bindings/shop%2Fcn",
    ]
    assert found.bindings == frozenset({FoundBinding("e", "q")})
    exchange, queue, new = found.exchanges["e"], found.queues["q"], found.queues["new"]
    assert exchange.properties is not None
    assert (exchange.properties.kind, exchange.properties.arguments) == ("fanout", {})
    assert (queue.ready, queue.unacknowledged, queue.consumers) == (3, 3, 4)
    assert queue.properties is not None
    assert queue.properties.policy == {"message-ttl": 5}
    assert queue.properties.arguments == {"x-queue-type": "quorum"}
    assert (new.ready, new.unacknowledged, new.consumers) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (500, [], "exchanges: HTTP 500"),
        (302, [], "exchanges: HTTP 302"),
        (200, b"<html>", "exchanges: JSON is malformed"),
        (200, [{"name": 1}], "exchanges: Expected `str`, got `int`"),
    ],
)
def test_an_answer_of_no_use_is_a_fault_of_the_broker(
    server: Api, status: int, answer: object, said: str
) -> None:
    server.status, server.answers["exchanges"] = status, answer
    with pytest.raises(BrokerError, match=said):
        an_api(f"http://ops:{IN_A_URL}@{server.place}").look(TOPOLOGY)
    assert len(server.asked) == 1


def test_nobody_there_is_a_fault_and_neither_it_nor_the_log_shows_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BrokerError) as failure:
        an_api(f"http://ops:{IN_A_URL}@127.0.0.1:1").look(TOPOLOGY)
    shown = f"{failure.value} {failure.value.__cause__!r} {caplog.text}"
    assert "management API: exchanges: ConnectionError" in shown
    assert PASSWORD not in shown
    assert IN_A_URL not in shown


def test_a_wrong_password_is_refused_once_when_it_is_a_setting(server: Api) -> None:
    with pytest.raises(BrokerError, match="HTTP 401"):
        an_api(f"http://ops:wrong@{server.place}").look(TOPOLOGY)
    assert len(server.asked) == 1


def test_a_password_that_was_rotated_is_fetched_again(server: Api) -> None:
    kept = iter([f"http://ops:old@{server.place}", f"http://ops:{IN_A_URL}@{server.place}"])
    fetched = FetchedSecrets(lambda: {"rabbitmq_management_url": next(kept)})
    address = ManagementAddress(Settings.from_env({}), lambda: fetched)
    assert address.given()
    assert ManagementApi(address, lambda: "/").look(TOPOLOGY).queues == {}
    assert len(server.asked) == 4


def test_a_deployment_may_have_none() -> None:
    settings = Settings.from_env({})
    assert not ManagementAddress(settings, lambda: FetchedSecrets(dict)).given()
    assert not ManagementAddress(settings, lambda: secrets_for(settings)).given()


@pytest.mark.parametrize("url", ["amqp://u:secret@host", "host:15672", "http://h:port", "http://"])
def test_an_url_that_is_none_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        an_api(url).look(TOPOLOGY)
    assert str(refusal.value) == "RABBITMQ_MANAGEMENT_URL is not an HTTP URL"
