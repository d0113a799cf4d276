"""DynamoDB may leave parts of a batch request undone; a stand-in for it that does so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.errors import Unavailable
from chalicelib.mq.outbox import Outbox
from chalicelib.settings import Settings


class Reluctant(HTTPServer):
    """Leaves the first ``leaves`` batch requests undone, then does what is asked."""

    def __init__(self, leaves: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.leaves = leaves
        self.deleted: list[str] = []

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        undone = self.leaves > 0
        self.leaves -= 1
        items: dict[str, Any] = asked["RequestItems"]
        if operation == "BatchWriteItem":
            if undone:
                return {"UnprocessedItems": items}
            for requests in items.values():
                self.deleted += [r["DeleteRequest"]["Key"]["event_key"]["S"] for r in requests]
            return {"UnprocessedItems": {}}
        if undone:
            return {"Responses": {table: [] for table in items}, "UnprocessedKeys": items}
        found = {table: wanted["Keys"] for table, wanted in items.items()}
        return {"Responses": found, "UnprocessedKeys": {}}


class _Handler(BaseHTTPRequestHandler):
    server: Reluctant

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].split(".")[-1]
        body = json.dumps(self.server.answer(operation, asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def reluctant(aws_credentials: None) -> Iterator[Reluctant]:
    with Reluctant(leaves=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def outbox_at(server: Reluctant) -> Outbox:
    url = f"http://127.0.0.1:{server.server_address[1]}"
    return Outbox(Dynamo(Settings.from_env({"DYNAMODB_ENDPOINT_URL": url})))


def test_rows_left_undeleted_are_asked_for_again(reluctant: Reluctant) -> None:
    reluctant.leaves = 5
    keys = [f"{number}#paid" for number in range(60)]
    outbox_at(reluctant).delete(keys)
    assert sorted(reluctant.deleted) == sorted(keys)


def test_rows_that_are_never_deleted_are_an_error(reluctant: Reluctant) -> None:
    reluctant.leaves = 1000
    with pytest.raises(Unavailable):
        outbox_at(reluctant).delete(["1#paid"])


def test_keys_left_unread_are_asked_for_again(reluctant: Reluctant) -> None:
    reluctant.leaves = 3
    assert outbox_at(reluctant).existing(["1#paid", "2#paid"]) == {"1#paid", "2#paid"}
