"""A day's quota of automatic refunds, with the payment that each of them belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.errors import QuotaExhausted, StaleWrite
from chalicelib.money import Fen
from chalicelib.orders.model import PayNo, PayRecord
from chalicelib.orders.ports import Change, QuotaTake
from tests.integration.orders.shop import Tables
from tests.wechat_peer import a_paid_record

TAKE = QuotaTake(day=date(2026, 3, 9), amount_fen=Fen(990), most_refunds=1, most_fen=Fen(5_000))


@pytest.fixture
def payment(tables: Tables) -> PayRecord:
    """Stored; with the platform's number, whose own row travels before the quota's."""
    record = a_paid_record(pay_no=PayNo("190000000000000001"), channel_trade_no="T190")
    if tables.orders.pay_record(record.pay_no) is None:
        tables.orders.commit(Change(write_id="w0", pay_records=(record,)))
    stored = tables.orders.pay_record(record.pay_no)
    assert stored is not None
    return stored


def test_a_used_up_quota_is_told_as_such_for_a_payment_of_a_platform(
    tables: Tables, payment: PayRecord
) -> None:
    tables.orders.commit(Change(write_id="w1", pay_records=(payment,), take_quota=TAKE))
    now = replace(payment, version=payment.version + 1)
    with pytest.raises(QuotaExhausted):
        tables.orders.commit(Change(write_id="w2", pay_records=(now,), take_quota=TAKE))


def test_a_stale_payment_is_stale_though_the_quota_is_used_up(
    tables: Tables, payment: PayRecord
) -> None:
    used_up = replace(TAKE, most_refunds=0)
    stale = replace(payment, version=payment.version - 1)
    with pytest.raises(StaleWrite):
        tables.orders.commit(Change(write_id="w3", pay_records=(stale,), take_quota=used_up))
