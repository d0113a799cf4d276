"""Asynchronous notifications (异步通知): POSTed to ``notify_url`` until it answers ``success``.

Fields, signature and schedule: https://opendocs.alipay.com/open/203/105286. ``wap.pay`` notifies
TRADE_SUCCESS and TRADE_CLOSED (https://yq.aliyun.com/articles/707649), the latter also after
``alipay.trade.close`` (http://zhifubao.apifox.cn/api-126371943), and never WAIT_BUYER_PAY.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from chalicelib.clock import BEIJING, Clock, to_beijing_text
from infra.local.alipay.buyer import TEST_BUYER
from infra.local.alipay.faults import NOTIFY, Fault, Faults
from infra.local.alipay.ledger import Trade
from infra.local.alipay.signature import sign, spoiled, text_of_notify

REAL_DELAYS_SECONDS = (240.0, 600.0, 600.0, 3600.0, 7200.0, 21600.0, 54000.0)
ANSWER_TIMEOUT_SECONDS = 10.0
STOP_SECONDS = 1.0
KEPT_ANSWER_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: ``status`` is None when there was no HTTP answer, and ``answer`` says why."""

    at: datetime
    status: int | None
    answer: str
    fields: Mapping[str, str]

    @property
    def is_accepted(self) -> bool:
        """Exactly ``success``: no other word, no HTML, no redirect."""
        return self.status == 200 and self.answer == "success"


@dataclass(slots=True)
class Notification:
    """One piece of news, with every attempt to deliver it. ``notify_id`` stays the same."""

    notify_id: str
    out_trade_no: str
    url: str
    fields: dict[str, str]
    deliveries: list[Delivery] = field(default_factory=list)


class Notifier:
    """Delivers notifications, each in a thread of its own."""

    def __init__(
        self,
        app_id: str,
        seller_id: str,
        seller_email: str,
        *,
        key: RSAPrivateKey,
        clock: Clock,
        faults: Faults,
        delays_seconds: tuple[float, ...],
    ) -> None:
        self._identity = {
            "app_id": app_id,
            "auth_app_id": app_id,
            "seller_id": seller_id,
            "seller_email": seller_email,
        }
        self._key = key
        self._clock = clock
        self._faults = faults
        self._delays_seconds = delays_seconds
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._sent: list[Notification] = []
        self._threads: list[threading.Thread] = []
        self._http = httpx.Client(timeout=ANSWER_TIMEOUT_SECONDS, trust_env=False)

    def announce(self, trade: Trade) -> None:
        """Start to deliver what became of ``trade``; returns at once."""
        if not trade.offer.notify_url:
            return
        notification = Notification(
            notify_id=_new_notify_id(self._clock.now()),
            out_trade_no=trade.offer.out_trade_no,
            url=trade.offer.notify_url,
            fields=self._identity | _trade_fields(trade),
        )
        thread = threading.Thread(
            target=self._deliver,
            args=(notification,),
            name=f"notify-{notification.notify_id}",
            daemon=True,
        )
        with self._lock:
            self._sent.append(notification)
            self._threads = [t for t in self._threads if t.is_alive()]
            self._threads.append(thread)
        thread.start()

    def notifications(self, out_trade_no: str) -> list[Notification]:
        """What was sent about one trade, oldest first."""
        with self._lock:
            return [n for n in self._sent if n.out_trade_no == out_trade_no]

    def send_again(self, notification: Notification) -> Delivery:
        """One more attempt, now; faults apply to it as to any other."""
        return self._attempt(notification)

    def send(self, url: str, fields: Mapping[str, str]) -> Delivery:
        """POST ``fields``, properly signed, whatever they say."""
        return self._post(url, self._signed(fields))

    def stop(self) -> None:
        """Give up what is not delivered yet; a merchant that does not answer is left alone."""
        self._stopped.set()
        with self._lock:
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
        fields = {
            "notify_id": notification.notify_id,
            "notify_type": "trade_status_sync",
            "notify_time": to_beijing_text(self._clock.now()),
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": "RSA2",
            **notification.fields,
        }
        fault = self._faults.take(NOTIFY, notification.out_trade_no)
        delivery = self._attempt_with(fault, notification.url, fields)
        with self._lock:
            notification.deliveries.append(delivery)
        return delivery

    def _attempt_with(self, fault: Fault | None, url: str, fields: Mapping[str, str]) -> Delivery:
        if fault is None:
            return self._post(url, self._signed(fields))
        if fault.do == "drop":
            return Delivery(self._clock.now(), None, "dropped", fields)
        if fault.do == "delay":
            self._stopped.wait(fault.seconds)
        signed = self._signed(fault.changed(fields) if fault.do == "change" else fields)
        if fault.do == "corrupt_signature":
            signed["sign"] = spoiled(signed["sign"])
        if fault.do == "duplicate":
            for _ in range(fault.copies):
                self._post(url, signed)
        return self._post(url, signed)

    def _signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        unsigned = {name: value for name, value in fields.items() if name != "sign"}
        return (
            {"sign_type": "RSA2"} | unsigned | {"sign": sign(text_of_notify(unsigned), self._key)}
        )

    def _post(self, url: str, fields: Mapping[str, str]) -> Delivery:
        content_type = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        at = self._clock.now()
        try:
            response = self._http.post(url, data=dict(fields), headers=content_type)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Delivery(at, None, type(error).__name__, fields)
        answer = response.content.decode("utf-8", "replace")[:KEPT_ANSWER_CHARACTERS]
        return Delivery(at, response.status_code, answer, fields)


def _trade_fields(trade: Trade) -> dict[str, str]:
    offer = trade.offer
    paid = offer.total_amount if trade.gmt_payment is not None else "0.00"
    fields = {
        "trade_no": trade.trade_no,
        "out_trade_no": offer.out_trade_no,
        "buyer_id": TEST_BUYER.user_id,
        "buyer_logon_id": TEST_BUYER.shown_logon_id,
        "trade_status": trade.status.value,
        "total_amount": offer.total_amount,
        "receipt_amount": paid,
        "invoice_amount": paid,
        "buyer_pay_amount": paid,
        "point_amount": "0.00",
        "subject": offer.subject,
        "body": offer.body,
        "passback_params": offer.passback_params,
        "gmt_create": to_beijing_text(trade.gmt_create),
    }
    if trade.gmt_payment is not None:
        fields["gmt_payment"] = to_beijing_text(trade.gmt_payment)
        bills = [{"amount": paid, "fundChannel": "ALIPAYACCOUNT"}]
        fields["fund_bill_list"] = json.dumps(bills, separators=(",", ":"))
    if trade.gmt_close is not None:
        fields["gmt_close"] = to_beijing_text(trade.gmt_close)
    return {name: value for name, value in fields.items() if value is not None}


def _new_notify_id(now: datetime) -> str:
    return f"{now.astimezone(BEIJING):%Y%m%d}00222{secrets.randbelow(10**21):021d}"
