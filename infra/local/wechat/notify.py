"""Notifications (回调通知): POSTed to ``notify_url`` until it answers 200 or 204.

Schedule and answers: https://pay.weixin.qq.com/doc/v3/merchant/4012791861. The status decides, not
the body, within 5 seconds. Each attempt is encrypted and signed anew.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from chalicelib.clock import Clock
from infra.local.wechat.envelope import Letter, body_of, signed_headers
from infra.local.wechat.faults import NOTIFY, REFUND_NOTIFY, Fault, Faults
from infra.local.wechat.signature import Keys, probe, spoiled

REAL_DELAYS_SECONDS = (
    15.0, 15.0, 30.0, 180.0, 600.0, 1200.0, 1800.0, 1800.0, 1800.0, 3600.0,
    10800.0, 10800.0, 10800.0, 21600.0, 21600.0,
)  # fmt: skip
ANSWER_TIMEOUT_SECONDS = 5.0
STOP_SECONDS = 1.0
KEPT_ANSWER_CHARACTERS = 500
_ACCEPTING = frozenset({200, 204})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: ``status`` is None when there was no HTTP answer, and ``answer`` says why."""

    at: datetime
    status: int | None
    answer: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_accepted(self) -> bool:
        """200 or 204, whatever the body says."""
        return self.status in _ACCEPTING


@dataclass(slots=True)
class Notification:
    """One piece of news, with every attempt to deliver it."""

    letter: Letter
    out_trade_no: str
    url: str
    deliveries: list[Delivery] = field(default_factory=list)


class Notifier:
    """Delivers notifications, each in a thread of its own."""

    def __init__(
        self, keys: Keys, *, clock: Clock, faults: Faults, delays_seconds: tuple[float, ...]
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._faults = faults
        self._delays_seconds = delays_seconds
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._another_sent = threading.Condition(self._lock)
        self._sent: list[Notification] = []
        self._attempts = 0
        self._threads: list[threading.Thread] = []
        self._http = httpx.Client(timeout=ANSWER_TIMEOUT_SECONDS, trust_env=False)

    def announce(
        self, event_type: str, out_trade_no: str, url: str, resource: Mapping[str, Any]
    ) -> None:
        """Start to deliver some news; returns at once. Without a ``url`` nobody is told."""
        if not url:
            return
        letter = self.letter(event_type, resource)
        notification = Notification(letter, out_trade_no, url)
        thread = threading.Thread(
            target=self._deliver,
            args=(notification,),
            name=f"notify-{letter.notify_id}",
            daemon=True,
        )
        with self._lock:
            self._sent.append(notification)
            self._threads = [t for t in self._threads if t.is_alive()]
            self._threads.append(thread)
        thread.start()

    def letter(self, event_type: str, resource: Mapping[str, Any]) -> Letter:
        """News of now, with an id of its own."""
        return Letter(
            notify_id=secrets.token_hex(16),
            created_at=self._clock.now(),
            event_type=event_type,
            resource=resource,
        )

    def notifications(self, out_trade_no: str) -> list[Notification]:
        """What was sent about one trade and its refunds, oldest first."""
        with self._lock:
            return [n for n in self._sent if n.out_trade_no == out_trade_no]

    def send_again(self, notification: Notification) -> Delivery:
        """One more attempt, now; faults apply to it as to any other."""
        return self._attempt(notification)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Send once, as it is."""
        content_type = {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0"}
        at = self._clock.now()
        try:
            response = self._http.post(url, content=body, headers={**headers, **content_type})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Delivery(at, None, type(error).__name__, headers, body)
        answer = response.content.decode("utf-8", "replace")[:KEPT_ANSWER_CHARACTERS]
        return Delivery(at, response.status_code, answer, headers, body)

    def stop(self) -> None:
        """Give up what is not delivered yet; a merchant that does not answer is left alone."""
        self._stopped.set()
        with self._lock:
            self._another_sent.notify_all()
            threads = list(self._threads)
        end = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in threads):
            self._http.close()

    def _deliver(self, notification: Notification) -> None:
        for delay_seconds in (0.0, *self._delays_seconds):
            if self._stopped.wait(delay_seconds) or self._attempt(notification).is_accepted:
                return

    def _attempt(self, notification: Notification) -> Delivery:
        letter = notification.letter
        on = REFUND_NOTIFY if letter.original_type == "refund" else NOTIFY
        fault = self._faults.take(on, notification.out_trade_no)
        self._hold_back(fault)
        delivery = self._attempt_with(fault, notification.url, letter)
        with self._lock:
            notification.deliveries.append(delivery)
            self._attempts += 1
            self._another_sent.notify_all()
        return delivery

    def _hold_back(self, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.do == "delay":
            self._stopped.wait(fault.seconds)
        elif fault.do == "reorder":
            with self._lock:
                before = self._attempts
                self._another_sent.wait_for(
                    lambda: self._attempts > before or self._stopped.is_set()
                )

    def _attempt_with(self, fault: Fault | None, url: str, letter: Letter) -> Delivery:
        deed = fault.do if fault is not None else None
        if fault is not None and deed == "change":
            letter = Letter(
                notify_id=letter.notify_id,
                created_at=letter.created_at,
                event_type=letter.event_type,
                resource=fault.changed(letter.resource),
            )
        body = body_of(letter, self._keys, spoil_ciphertext=deed == "corrupt_ciphertext")
        headers = signed_headers(body, self._keys, self._clock.now())
        if deed == "drop":
            return Delivery(self._clock.now(), None, "dropped", headers, body)
        headers = misused(headers, deed)
        if fault is not None and deed == "duplicate":
            for _ in range(fault.copies):
                self.post(url, headers, body)
        return self.post(url, headers, body)


def misused(headers: dict[str, str], deed: str | None) -> dict[str, str]:
    """Signed headers as a fault wants them."""
    signature = headers["Wechatpay-Signature"]
    if deed == "corrupt_signature":
        return headers | {"Wechatpay-Signature": spoiled(signature)}
    if deed == "signtest":
        return headers | {"Wechatpay-Signature": probe(signature)}
    if deed == "unsigned":
        return {}
    return headers
