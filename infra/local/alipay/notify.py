"""Asynchronous notifications (异步通知): POSTed to ``notify_url`` until it answers ``success``.

Schedule: https://opendocs.alipay.com/open/203/105286. ``wap.pay`` notifies TRADE_SUCCESS,
TRADE_CLOSED and TRADE_FINISHED (https://developer.aliyun.com/ask/285132), TRADE_CLOSED also after
``alipay.trade.close`` (http://zhifubao.apifox.cn/api-126371943), and never WAIT_BUYER_PAY.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from functools import cached_property

import httpx

from infra.local.alipay.faults import NOTIFY, Fault, Faults
from infra.local.alipay.notification import Delivery, Notification, NotifyWriter
from infra.local.alipay.signature import spoiled
from infra.local.alipay.trade import Trade

REAL_DELAYS_SECONDS = (240.0, 600.0, 600.0, 3600.0, 7200.0, 21600.0, 54000.0)
ANSWER_TIMEOUT_SECONDS = 10.0
STOP_SECONDS = 1.0
KEPT_ANSWER_CHARACTERS = 500


class Notifier:
    """Delivers notifications, each in a thread of its own.

    ``delays_seconds`` are the waits between the attempts of one notification.
    """

    def __init__(
        self, writer: NotifyWriter, faults: Faults, delays_seconds: tuple[float, ...]
    ) -> None:
        self._writer = writer
        self._faults = faults
        self._delays_seconds = delays_seconds
        self._stopped = threading.Event()
        self._lock = threading.RLock()
        self._attempted = threading.Condition(self._lock)
        self._attempts: Counter[str] = Counter()
        self._sent: list[Notification] = []
        self._threads: list[threading.Thread] = []

    def announce(self, trade: Trade) -> None:
        """Start to deliver what became of ``trade``; returns at once."""
        if not trade.offer.notify_url:
            return
        notification = self._writer.notification(trade)
        with self._lock:
            self._sent.append(notification)
        self._start(notification)

    def notifications(self, out_trade_no: str) -> list[Notification]:
        """What was sent about one trade, oldest first."""
        with self._lock:
            return [n for n in self._sent if n.out_trade_no == out_trade_no]

    def send_again(self, notification: Notification) -> Delivery:
        """One more attempt, now; faults apply to it as to any other."""
        return self._attempt(notification)

    def send(self, url: str, fields: Mapping[str, str]) -> Delivery:
        """POST ``fields``, properly signed, whatever they say."""
        return self._post(url, self._writer.signed(fields))

    def stop(self) -> None:
        """Give up what is not delivered yet; a merchant that does not answer is left alone."""
        self._stopped.set()
        with self._lock:
            threads = list(self._threads)
            self._attempted.notify_all()
        end = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if "_http" in vars(self) and not any(thread.is_alive() for thread in threads):
            self._http.close()

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(timeout=ANSWER_TIMEOUT_SECONDS, trust_env=False)

    def _start(self, notification: Notification) -> None:
        thread = threading.Thread(
            target=self._deliver,
            args=(notification,),
            name=f"notify-{notification.notify_id}",
            daemon=True,
        )
        with self._lock:
            self._threads = [t for t in self._threads if t.is_alive()]
            self._threads.append(thread)
        thread.start()

    def _deliver(self, notification: Notification) -> None:
        for delay_seconds in (0.0, *self._delays_seconds):
            if self._stopped.wait(delay_seconds) or self._attempt(notification).is_accepted:
                return

    def _attempt(self, notification: Notification) -> Delivery:
        fault = self._faults.take(NOTIFY, notification.out_trade_no)
        if fault is not None:
            self._hold_back(notification, fault)
        delivery = self._attempt_with(fault, notification)
        self._note(notification, delivery)
        return delivery

    def _hold_back(self, notification: Notification, fault: Fault) -> None:
        if fault.do == "delay":
            self._stopped.wait(fault.seconds)
        if fault.do == "reorder":
            of = notification.out_trade_no
            with self._attempted:
                before = self._attempts[of]
                self._attempted.wait_for(
                    lambda: self._stopped.is_set() or self._attempts[of] > before
                )

    def _note(self, notification: Notification, delivery: Delivery) -> None:
        with self._attempted:
            notification.deliveries.append(delivery)
            self._attempts[notification.out_trade_no] += 1
            self._attempted.notify_all()

    def _attempt_with(self, fault: Fault | None, notification: Notification) -> Delivery:
        fields = self._writer.fields(notification)
        if fault is not None and fault.do == "drop":
            return Delivery(self._writer.clock.now(), None, "dropped", fields)
        letter = self._letter(fault, fields)
        if fault is not None and fault.do == "duplicate":
            for _ in range(fault.copies):
                self._post(notification.url, letter)
        return self._post(notification.url, letter)

    def _letter(self, fault: Fault | None, fields: Mapping[str, str]) -> dict[str, str]:
        deed = fault.do if fault is not None else None
        if fault is not None and deed == "change":
            fields = fault.changed(fields)
        letter = self._writer.signed(fields)
        if fault is not None and deed == "tamper":
            letter = fault.changed(letter)
        if deed == "corrupt_signature":
            letter["sign"] = spoiled(letter["sign"])
        return letter

    def _post(self, url: str, fields: Mapping[str, str]) -> Delivery:
        content_type = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        at = self._writer.clock.now()
        try:
            response = self._http.post(url, data=dict(fields), headers=content_type)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Delivery(at, None, type(error).__name__, fields)
        answer = response.content.decode("utf-8", "replace")[:KEPT_ANSWER_CHARACTERS]
        return Delivery(at, response.status_code, answer, fields)
