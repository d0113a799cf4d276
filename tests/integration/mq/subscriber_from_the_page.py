"""A service that sells study material, written from docs/messages.md and nothing else.

It shares no code with the project, not even its client library: what it needed to know and did not
find is missing on the page. The queues are its own.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import amqp

MATERIAL = "60202"
PAYMENTS_EXCHANGE, PAYMENTS_QUEUE = "paynotify_exchange_fanout", "materials.paid"
REFUNDS_EXCHANGE, REFUNDS_QUEUE = "refundnotify_exchange_fanout", "materials.refunded"
DEAD_EXCHANGE, DEAD_QUEUE = "materials.dead", "materials.dead"

_PREFETCH = 10
_LOOK_SECONDS = 0.1
_PAUSE_SECONDS = 0.2
_HEARTBEAT_SECONDS = 20


class Malformed(ValueError):
    """No message of the page."""


@dataclass(frozen=True)
class Payment:
    key: str
    opens: datetime
    ends: datetime | None


@dataclass(frozen=True)
class Refund:
    key: str


def read(body: bytes) -> Payment | Refund | None:
    """What a body says; None when it is not about study material."""
    try:
        message = json.loads(body)
    except ValueError as error:
        raise Malformed(str(error)) from error
    if not isinstance(message, dict):
        raise Malformed("not an object")
    kind = _text(message, "messageType")
    if kind not in ("payresult_notify", "refundresult_notify"):
        return None
    if _text(message, "businessKey2") != MATERIAL:
        return None
    key = _text(message, "businessKey1")
    for name in ("id", "orderId"):
        _text(message, name)
    _number(message, "version")
    if kind == "refundresult_notify":
        _text(message, "refundNo")
        _number(message, "refundFen")
        _moment(message, "refundedAt")
        return Refund(key)
    opens = _moment(message, "paidAt")
    if message.get("validDays", 0) is None:
        return Payment(key, opens, None)
    return Payment(key, opens, opens + timedelta(days=_number(message, "validDays")))


def _text(message: dict[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name}: {value!r}")
    return value


def _number(message: dict[str, Any], name: str) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Malformed(f"{name}: {value!r}")
    return value


def _moment(message: dict[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(message, name))
    except ValueError as error:
        raise Malformed(f"{name}: {error}") from error
    if moment.tzinfo is None:
        raise Malformed(f"{name} without an offset")
    return moment


class Shelf:
    """Who may read what. ``journal`` has one line for each effect, in the same transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._open()) as db, db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS purchase"
                " (key TEXT PRIMARY KEY, opens TEXT, ends TEXT, refunded INTEGER DEFAULT 0)"
            )
            db.execute("CREATE TABLE IF NOT EXISTS journal (key TEXT, effect TEXT)")

    def hear(self, heard: Payment | Refund) -> None:
        """Store what follows from a message: the table of the page, row by row."""
        with closing(self._open()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR IGNORE INTO purchase (key) VALUES (?)", (heard.key,))
            paid_before, refunded_before = db.execute(
                "SELECT opens IS NOT NULL, refunded FROM purchase WHERE key = ?", (heard.key,)
            ).fetchone()
            if isinstance(heard, Payment):
                if paid_before:
                    return
                ends = heard.ends.isoformat() if heard.ends else None
                span = (heard.opens.isoformat(), ends, heard.key)
                db.execute("UPDATE purchase SET opens = ?, ends = ? WHERE key = ?", span)
                if not refunded_before:
                    db.execute("INSERT INTO journal VALUES (?, 'granted')", (heard.key,))
            elif not refunded_before:
                db.execute("UPDATE purchase SET refunded = 1 WHERE key = ?", (heard.key,))
                if paid_before:
                    db.execute("INSERT INTO journal VALUES (?, 'taken back')", (heard.key,))

    def journal(self) -> list[tuple[str, str]]:
        with closing(self._open()) as db:
            return db.execute("SELECT key, effect FROM journal ORDER BY key, rowid").fetchall()

    def readable(self) -> dict[str, tuple[str, str | None]]:
        """What was paid for and not refunded: from when until when, None for ever."""
        with closing(self._open()) as db:
            rows = db.execute(
                "SELECT key, opens, ends FROM purchase WHERE opens IS NOT NULL AND NOT refunded"
            ).fetchall()
        return {key: (opens, ends) for key, opens, ends in rows}

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10)


class Subscriber:
    """Keeps a connection, whatever happens to it, until it is told to stop."""

    def __init__(
        self, *, host: str, virtual_host: str, user: str, password: str, shelf: Shelf
    ) -> None:
        self._how = {
            "host": host,
            "virtual_host": virtual_host,
            "userid": user,
            "password": password,
            "heartbeat": _HEARTBEAT_SECONDS,
            "connect_timeout": 10,
        }
        self._shelf = shelf
        self._wanted: Callable[[], bool] = lambda: True
        self.connections = 0
        self.done = 0

    def run(self, wanted: Callable[[], bool]) -> None:
        """Stay as long as ``wanted()``."""
        self._wanted = wanted
        while wanted():
            connection = amqp.Connection(**self._how)
            try:
                connection.connect()
                self._consume(connection)
            except (amqp.AMQPError, OSError):
                time.sleep(_PAUSE_SECONDS)
            finally:
                with suppress(amqp.AMQPError, OSError):
                    connection.close()

    def _consume(self, connection: amqp.Connection) -> None:
        channel, copies = connection.channel(), connection.channel()
        arrived = deque[amqp.Message]()
        for exchange in (PAYMENTS_EXCHANGE, REFUNDS_EXCHANGE):
            channel.exchange_declare(exchange, "fanout", passive=True)
        channel.exchange_declare(DEAD_EXCHANGE, "fanout", durable=True, auto_delete=False)
        for exchange, queue in (
            (PAYMENTS_EXCHANGE, PAYMENTS_QUEUE),
            (REFUNDS_EXCHANGE, REFUNDS_QUEUE),
            (DEAD_EXCHANGE, DEAD_QUEUE),
        ):
            channel.queue_declare(queue, durable=True, auto_delete=False)
            channel.queue_bind(queue, exchange, routing_key="")
        channel.basic_qos(prefetch_size=0, prefetch_count=_PREFETCH, a_global=False)
        for queue in (PAYMENTS_QUEUE, REFUNDS_QUEUE):
            # kept for later: waiting for a confirm inside a callback would hand out the next one
            channel.basic_consume(queue, callback=arrived.append)
        self.connections += 1
        while self._wanted():
            connection.heartbeat_tick()
            with suppress(TimeoutError):
                connection.drain_events(timeout=_LOOK_SECONDS)
            while arrived and self._wanted():
                self._hear(arrived.popleft(), copies)

    def _hear(self, message: amqp.Message, copies: amqp.Channel) -> None:
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        try:
            heard = read(body)
        except Malformed:
            name = message.properties.get("message_id", "")
            copy = amqp.Message(body, delivery_mode=2, message_id=name)
            copies.basic_publish_confirm(copy, exchange=DEAD_EXCHANGE)
        else:
            if heard is not None and not self._stored(heard):
                return
        message.channel.basic_ack(message.delivery_tag)
        self.done += 1

    def _stored(self, heard: Payment | Refund) -> bool:
        """Whether it is stored; false when it is time to leave before that was possible."""
        while self._wanted():
            try:
                self._shelf.hear(heard)
            except sqlite3.OperationalError:
                time.sleep(_PAUSE_SECONDS)
            else:
                return True
        return False
