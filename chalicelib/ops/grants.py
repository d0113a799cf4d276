"""Whether the goods of an order have followed its payment, or its refund."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.clock import to_beijing_text
from chalicelib.errors import UnreadableRow
from chalicelib.orders.grant_audit import Finding
from chalicelib.orders.model import Order
from chalicelib.orders.ports import OrderStore

AHEAD = timedelta(days=3650)
PAGE = 250


def told(finding: Finding) -> Iterator[str]:
    """What an audit found and did, for people to read."""
    order = finding.order
    yield f"order {order.order_id}: {order.status.name}, {order.order_type.name.lower()}"
    if order.paid_at is not None:
        yield f"  paid at {to_beijing_text(order.paid_at)} by payment {order.paid_by_pay_no}"
    if order.revoked_by is not None:
        yield f"  its goods were to go back by refund {order.revoked_by}"
    says = finding.seller_says
    answer = "no seller knows the record" if says is None else f"the seller says: {says}"
    wanted = f", expected: {finding.expected}" if finding.expected is not None else ""
    yield f"  record {order.out_business_id}: {answer}{wanted}"
    yield f"  {finding.step.value}"
    if order.next_audit_at is not None:
        yield f"  audited again at {to_beijing_text(order.next_audit_at)}"


def unsettled(store: OrderStore, now: datetime) -> Iterator[str]:
    """The orders whose goods an audit found missing, the next to be audited first.

    Reads only; what was just paid or refunded and not audited yet is not among them.
    """
    shown = in_all = 0
    for audit in store.due_audits(now + AHEAD, PAGE):
        in_all += 1
        try:
            order = store.order(audit.order_id)
        except UnreadableRow as error:
            yield f"{audit.order_id} cannot be read: {error.detail}"
            continue
        if order is None or order.next_audit_at is None or order.audits == 0:
            continue
        shown += 1
        yield _line(order, order.next_audit_at, now)
    yield f"found without their goods: {shown}; to be audited in all: {in_all}"


def _line(order: Order, next_audit_at: datetime, now: datetime) -> str:
    what = "paid, not granted" if order.revoked_by is None else "refunded, not taken back"
    when = "due since" if next_audit_at <= now else "next audit"
    return (
        f"{order.order_id} {what}: {order.audits} audits,"
        f" {when} {to_beijing_text(next_audit_at)}, record {order.out_business_id}"
    )
