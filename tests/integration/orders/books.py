"""What our tables say of the orders of one shop, read again only where something was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    PayNo,
    PayRecord,
    Refund,
    RefundStatus,
)
from chalicelib.orders.ports import Change

OWED = frozenset({RefundStatus.OWED, RefundStatus.SENT, RefundStatus.MANUAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One order with its attempts and their refunds, as stored."""

    order: Order
    item: OrderItem
    records: tuple[PayRecord, ...]
    refunds: tuple[Refund, ...]

    def refunds_of(self, record: PayRecord) -> tuple[Refund, ...]:
        return tuple(r for r in self.refunds if r.pay_no == record.pay_no)

    @property
    def live(self) -> PayRecord:
        """The attempt on offer."""
        return next(r for r in self.records if r.pay_no == self.order.live_pay_no)

    @property
    def things(self) -> dict[str, Order | PayRecord | Refund]:
        """All that has a version, by its number."""
        told: dict[str, Order | PayRecord | Refund] = {self.order.order_id: self.order}
        told.update((record.pay_no, record) for record in self.records)
        told.update((refund.out_refund_no, refund) for refund in self.refunds)
        return told


class WatchedStore:
    """The order store, noting what each call touched; so that nothing else need be read again."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.touched: set[OrderId] = set()
        self.touched_attempts: set[PayNo] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def commit(self, change: Change) -> None:
        things = (*change.orders, *change.pay_records, *change.refunds)
        self.touched.update(thing.order_id for thing in things)
        self._real.commit(change)

    def reschedule_check(self, pay_no: PayNo, *moments: Any) -> None:
        self.touched_attempts.add(pay_no)
        self._real.reschedule_check(pay_no, *moments)


@dataclass
class Books:
    """The accounts of one shop. Whatever is read again is held against what was read before."""

    store: WatchedStore
    accounts: dict[OrderId, Account] = field(default_factory=dict)

    def refresh(self) -> list[Account]:
        """Read what was touched; the accounts that were."""
        touched = set(self.store.touched)
        touched.update(
            account.order.order_id
            for account in self.accounts.values()
            if self.store.touched_attempts.intersection(account.order.pay_nos)
        )
        self.store.touched.clear()
        self.store.touched_attempts.clear()
        return [account for order_id in sorted(touched) for account in self._read(order_id)]

    def __iter__(self) -> Iterator[Account]:
        return iter(self.accounts.values())

    @property
    def order_ids(self) -> list[OrderId]:
        return list(self.accounts)

    @property
    def pay_nos(self) -> list[PayNo]:
        return [record.pay_no for account in self for record in account.records]

    @property
    def newest(self) -> Account | None:
        """The order that was made last."""
        return list(self)[-1] if self.accounts else None

    @property
    def refunds(self) -> list[Refund]:
        return [refund for account in self for refund in account.refunds]

    def _read(self, order_id: OrderId) -> list[Account]:
        order = self.store.order(order_id)
        if order is None:
            return []  # its write was never carried out
        before = self.accounts.get(order_id)
        records = self.store.pay_records(order.pay_nos)
        account = Account(
            order=order,
            item=before.item if before is not None else self.store.items(order_id)[0],
            records=records,
            refunds=self.store.refunds([no for record in records for no in record.refund_nos]),
        )
        if before is not None:
            check_versions(before, account)
        self.accounts[order_id] = account
        return [account]


def check_versions(before: Account, after: Account) -> None:
    """Nothing vanishes, versions never go back, and one version has one content."""
    now = after.things
    for number, was in before.things.items():
        assert number in now, f"{number} is gone"
        thing = now[number]
        assert thing.version >= was.version, f"{number}: version {was.version} came back"
        if thing.version == was.version:
            assert _content(thing) == _content(was), f"{number}: changed without a version"


def _content(thing: Order | PayRecord | Refund) -> object:
    """What a version stands for: a moved check and a question asked are written beside it."""
    if isinstance(thing, PayRecord):
        return replace(thing, next_check_at=None, queried_at=None)
    return thing
