"""The one payer that the cashier page knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Buyer:
    """An account of a payer; ``shown_logon_id`` is how a merchant gets to see it."""

    user_id: str
    logon_id: str
    shown_logon_id: str
    pay_password: str


TEST_BUYER = Buyer(
    user_id="2088102146225135",
    logon_id="buyer@example.com",
    shown_logon_id="buy***@example.com",
    pay_password="111111",
)
