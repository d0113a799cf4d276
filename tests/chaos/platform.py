"""A payment platform in this process: it keeps what was paid and what went back, and tells both.

Only how an attempt is opened and asked about is needed here; the real adapters have tests of their
own.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.model import PayNo, PayRecord
from chalicelib.orders.platform import Form, Opening, Payer, Presentation
from chalicelib.orders.verdict import NotThereYet, Paid, Verdict


class Platform:
    """Implements what the cashier and the results ask of a `PaymentChannel`; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trades: dict[PayNo, Paid] = {}

    def pay(self, record: PayRecord, at: datetime) -> None:
        """A payer pays an attempt in full."""
        paid = Paid(
            channel_trade_no=f"trade-{record.pay_no}", amount_fen=record.amount_fen, paid_at=at
        )
        with self._lock:
            self._trades[record.pay_no] = paid

    def pay_back(self, pay_no: PayNo) -> None:
        """The merchant gives all of a payment back, at the platform itself."""
        with self._lock:
            paid = self._trades[pay_no]
            self._trades[pay_no] = replace(paid, back_fen=Fen(paid.amount_fen))

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        with self._lock:
            return self._trades.get(record.pay_no, NotThereYet())

    def freeze(self, record: PayRecord, payer: Payer, now: datetime) -> Opening:
        return Opening(app_id="chaos", merchant_id="chaos", request=f"pay {record.pay_no}")

    def is_fresh(self, record: PayRecord, now: datetime) -> bool:
        return True

    def present(self, record: PayRecord, now: datetime) -> Presentation:
        return Form(action="https://pay.example/", fields=(("no", record.pay_no),))
