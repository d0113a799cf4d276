"""Who has read docs/messages.md and nothing else hears every message, and takes none of ours."""

from __future__ import annotations

import ast
import json
import random
import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, PAYNOTIFY_QUEUE, OutboxMessage, paid_event
from chalicelib.mq.outbox import OutboxItem
from chalicelib.mq.refund_message import REFUNDNOTIFY_EXCHANGE, REFUNDNOTIFY_QUEUE, refund_event
from chalicelib.settings import Settings
from infra.local.processes.children import ROOT
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.fakes.clock import START
from tests.integration.mq import subscriber_from_the_page
from tests.integration.mq.conftest import eventually
from tests.integration.mq.foreign_platform import ForeignPlatform, foreign_platform
from tests.integration.mq.subscriber_from_the_page import (
    DEAD_QUEUE,
    MATERIAL,
    PAYMENTS_QUEUE,
    REFUNDS_QUEUE,
    Payment,
    Refund,
    Shelf,
    Subscriber,
)
from tests.integration.mq.tcp_proxy import TcpProxy
from tests.unit.learning.builders import a_pay_result, a_refund_result

COURSE = "60201"
PAGE = (ROOT / "docs" / "messages.md").read_text("utf-8")
EXAMPLES: list[str] = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
ITS_QUEUES = (PAYMENTS_QUEUE, REFUNDS_QUEUE, DEAD_QUEUE)


def paid(key: str, order_type: str = MATERIAL) -> OutboxMessage:
    result = a_pay_result(key, order_type=order_type)
    return paid_event(replace(result, message_id=f"9{key}", order_id=f"8{key}"), START)


def refunded(key: str, order_type: str = MATERIAL) -> OutboxMessage:
    result = a_refund_result(key, refund_no=f"7{key}", order_type=order_type)
    return refund_event(replace(result, order_id=f"8{key}"), START)


@pytest.fixture
def platform(
    broker: Broker | ExternalBroker, local_settings: Settings, create_tables: CreateTables
) -> Iterator[ForeignPlatform]:
    if not broker.management_url:
        pytest.skip("RABBITMQ_MANAGEMENT_URL is needed to make a virtual host and a user")
    create_tables(OutboxItem)
    with foreign_platform(broker, local_settings) as platform:
        yield platform


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf.db")


@contextmanager
def running(subscriber: Subscriber) -> Iterator[Subscriber]:
    """The subscriber in a thread; afterwards it has left."""
    stop = threading.Event()
    thread = threading.Thread(target=subscriber.run, args=(lambda: not stop.is_set(),))
    thread.start()
    try:
        yield subscriber
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def hears(subscriber: Subscriber, count: int) -> None:
    eventually(lambda: subscriber.done >= count, f"{count} messages did not come")


def test_it_shares_no_code_with_us_and_reads_only_json_and_amqp() -> None:
    tree = ast.parse(Path(subscriber_from_the_page.__file__).read_text("utf-8"))
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {name.name for node in plain for name in node.names}
    names |= {"." if node.level else str(node.module) for node in parts}

    tops = {name.split(".")[0] for name in names}

    assert {"amqp", "json"} <= tops
    assert tops - sys.stdlib_module_names == {"amqp"}
    assert not tops & {"importlib", "runpy", "ctypes", "subprocess"}


def test_it_hears_every_message_and_our_queues_keep_all_of_them(
    platform: ForeignPlatform, shelf: Shelf
) -> None:
    platform.bind(shelf)
    types = {str(number): MATERIAL if number % 2 else COURSE for number in range(40)}
    payments = [paid(key, order_type) for key, order_type in types.items()]
    refunds = [refunded(key, types[key]) for key in list(types)[:10]]
    platform.relay(*payments, *refunds)

    with running(platform.subscriber(shelf)) as subscriber:
        hears(subscriber, 50)

    granted = {(key, "granted") for key in types if types[key] == MATERIAL}
    back = {(key, "taken back") for key in list(types)[:10] if types[key] == MATERIAL}
    # a payment and its refund come by two queues: what is refunded first is never granted
    assert set(shelf.journal()) <= granted | back
    assert set(shelf.readable()) == {key for key, _ in granted} - {key for key, _ in back}
    assert platform.taken_from(PAYNOTIFY_QUEUE) == [m.body.encode() for m in payments]
    assert platform.taken_from(REFUNDNOTIFY_QUEUE) == [m.body.encode() for m in refunds]
    assert [platform.taken_from(queue) for queue in ITS_QUEUES] == [[], [], []]


@pytest.mark.parametrize("message", [paid("1"), refunded("1")], ids=["payment", "refund"])
def test_a_message_has_the_properties_of_the_page_and_no_others(
    platform: ForeignPlatform, message: OutboxMessage
) -> None:
    platform.relay(message)
    table = PAGE.split("## Properties of a message")[1].split("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, flags=re.MULTILINE))

    (found,) = [*platform.received(PAYNOTIFY_QUEUE), *platform.received(REFUNDNOTIFY_QUEUE)]

    assert found.pop("application_headers", {}) in ({}, {"x-delivery-count": 0})
    name = json.loads(message.body)["id"]
    values = {name: "the body's `id`", 2: "2, persistent"}
    assert {key: values.get(value, f"`{value}`") for key, value in found.items()} == told


def test_repeated_messages_in_any_order_grant_and_revoke_once(
    platform: ForeignPlatform, shelf: Shelf
) -> None:
    keys = [str(number) for number in range(20)]
    first = [m for key in keys for m in (paid(key), *([refunded(key)] if int(key) < 10 else []))]
    chance = random.Random(60202)
    platform.bind(shelf)
    with running(platform.subscriber(shelf)) as subscriber:
        for _ in range(3):
            chance.shuffle(first)
            platform.relay(*first)
        hears(subscriber, 3 * len(first))

    journal = shelf.journal()
    assert len(journal) == len(set(journal)), "an effect was stored twice"
    assert set(shelf.readable()) == set(keys[10:])
    assert {key for key, effect in journal if effect == "granted"} >= set(keys[10:])
    assert [platform.taken_from(queue) for queue in ITS_QUEUES] == [[], [], []]


def test_a_refund_that_comes_before_its_payment_grants_nothing(
    platform: ForeignPlatform, shelf: Shelf
) -> None:
    platform.bind(shelf)
    with running(platform.subscriber(shelf)) as subscriber:
        platform.relay(refunded("1"))
        hears(subscriber, 1)
        platform.relay(paid("1"), paid("2"))
        hears(subscriber, 3)

    assert shelf.journal() == [("2", "granted")]
    assert set(shelf.readable()) == {"2"}


def test_other_types_unknown_keys_and_later_versions_are_no_matter(
    platform: ForeignPlatform, shelf: Shelf
) -> None:
    later = {**json.loads(paid("5").body), "version": 9, "campaign": {"name": "spring"}}
    unknown_type = {**json.loads(paid("6").body), "messageType": "couponresult_notify"}
    unknown_order = {**json.loads(paid("7").body), "businessKey2": "60299", "validDays": None}
    platform.bind(shelf)
    with running(platform.subscriber(shelf)) as subscriber:
        for number, example in enumerate(EXAMPLES, 1):
            refund = json.loads(example)["messageType"] == "refundresult_notify"
            platform.put(REFUNDNOTIFY_EXCHANGE if refund else PAYNOTIFY_EXCHANGE, example.encode())
            hears(subscriber, number)
        bodies = [json.dumps(body).encode() for body in (later, unknown_type, unknown_order)]
        platform.put(PAYNOTIFY_EXCHANGE, *bodies)
        hears(subscriber, len(EXAMPLES) + 3)

    material = "289431754842869999"
    assert shelf.journal() == [(material, "granted"), (material, "taken back"), ("5", "granted")]
    assert [platform.taken_from(queue) for queue in ITS_QUEUES] == [[], [], []]


def test_what_is_malformed_is_kept_for_a_person_and_holds_nobody_up(
    platform: ForeignPlatform, shelf: Shelf
) -> None:
    without_moment = {**json.loads(paid("1").body), "paidAt": "yesterday"}
    malformed = [b"{", b"[]", json.dumps(without_moment).encode()]
    platform.bind(shelf)
    with running(platform.subscriber(shelf)) as subscriber:
        platform.put(PAYNOTIFY_EXCHANGE, *malformed)
        platform.relay(paid("2"))
        hears(subscriber, 4)

    assert platform.taken_from(DEAD_QUEUE) == malformed
    assert shelf.journal() == [("2", "granted")]


class CutsTheLine(Shelf):
    """Loses the connection between the effect and the acknowledgement, once for each message."""

    proxy: TcpProxy
    stored: list[Payment | Refund]

    def hear(self, heard: Payment | Refund) -> None:
        super().hear(heard)
        if heard not in self.stored:
            self.proxy.cut()
        self.stored.append(heard)


def test_a_connection_lost_between_effect_and_acknowledgement_grants_and_revokes_once(
    platform: ForeignPlatform, tmp_path: Path
) -> None:
    shelf = CutsTheLine(tmp_path / "shelf.db")
    shelf.stored = []
    with TcpProxy(platform.port) as shelf.proxy:
        through = platform.subscriber(shelf, shelf.proxy.port)
        platform.bind(shelf)
        with running(through):
            platform.relay(paid("1"))
            eventually(lambda: len(shelf.stored) >= 2, "the payment did not come again")
            platform.relay(refunded("1"))
            eventually(lambda: len(shelf.stored) >= 4, "the refund did not come again")
    assert through.connections >= 3
    assert shelf.journal() == [("1", "granted"), ("1", "taken back")]
    assert [platform.taken_from(queue) for queue in ITS_QUEUES] == [[], [], []]


class Busy(Shelf):
    """Cannot be used the first few times."""

    refusals = 3

    def hear(self, heard: Payment | Refund) -> None:
        if self.refusals:
            self.refusals -= 1
            raise sqlite3.OperationalError("database is locked")
        super().hear(heard)


def test_while_its_own_store_fails_it_waits(platform: ForeignPlatform, tmp_path: Path) -> None:
    shelf = Busy(tmp_path / "shelf.db")
    platform.bind(shelf)
    with running(platform.subscriber(shelf)) as subscriber:
        platform.relay(paid("1"))
        hears(subscriber, 1)
    assert shelf.journal() == [("1", "granted")]
    assert platform.taken_from(DEAD_QUEUE) == []


def test_it_comes_back_when_its_queue_was_deleted(platform: ForeignPlatform, shelf: Shelf) -> None:
    with running(platform.subscriber(shelf)) as subscriber:
        eventually(lambda: subscriber.connections == 1, "it did not connect")
        platform.payments.on_channel(lambda channel: channel.queue_delete(PAYMENTS_QUEUE))
        eventually(lambda: subscriber.connections == 2, "it did not come back")
        platform.relay(paid("1"))
        hears(subscriber, 1)
    assert shelf.journal() == [("1", "granted")]
