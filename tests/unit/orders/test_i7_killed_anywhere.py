"""I7: a handler is killed before or after each of its remote calls, and run again.

Remote calls are those to the store and those to the platforms.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable, OrderAlreadyPaid, PaymentInProgress
from chalicelib.money import Fen
from chalicelib.orders.model import PayNo
from chalicelib.orders.platform import RefundNotice
from chalicelib.orders.verdict import ClosedThere, CloseRefused, NotThereYet, RefundDone, StillOpen
from tests.fakes.channel import FakeChannel
from tests.unit.orders.killing import Fate, Killed
from tests.unit.orders.shop import ALIPAY, PRICE, Shop, in_wechat


class Killing:
    """A store or a platform, until the fatal call."""

    REMOTE = frozenset({"start", "query", "close", "refund", "query_refund"})

    def __init__(self, real: Any, fate: Fate) -> None:
        vars(self).update(_real=real, _fate=fate)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._real, name)
        local = isinstance(self._real, FakeChannel) and name not in self.REMOTE
        return call if local else self._fate.around(call)


Handler = Callable[[], object]


def _offer(shop: Shop) -> Handler:
    return shop.offer


def _open(shop: Shop) -> Handler:
    pay_no = shop.offer().record.pay_no
    return lambda: shop.open(pay_no)


def _notify(shop: Shop) -> Handler:
    pay_no, paid = shop.opened().record.pay_no, shop.paid()
    return lambda: shop.notified(pay_no, paid)


def _surplus(shop: Shop) -> Handler:
    pay_no, paid = shop.opened().record.pay_no, shop.paid(fen=1)
    return lambda: shop.notified(pay_no, paid)


def _query(shop: Shop) -> Handler:
    pay_no = shop.opened().record.pay_no
    shop.alipay.verdict = shop.paid()
    return lambda: shop.results.outcome(pay_no, Deadline.after(8))


def _replace(shop: Shop) -> Handler:
    expires_at = shop.opened().order.expires_at
    shop.alipay.verdict = NotThereYet()
    shop.clock.set(expires_at)
    return shop.offer


def _open_in_wechat(shop: Shop) -> Handler:
    pay_no = shop.offer().record.pay_no
    shop.wechat.verdict = NotThereYet()
    return lambda: shop.open(pay_no, in_wechat())


def _switch(shop: Shop) -> Handler:
    pay_no = shop.opened(ALIPAY).record.pay_no
    shop.alipay.verdict = shop.wechat.verdict = NotThereYet()
    return lambda: shop.open(pay_no, in_wechat())


def _cancel(shop: Shop) -> Handler:
    offer = shop.opened(in_wechat())
    shop.wechat.close_answer = ClosedThere()
    return lambda: shop.cancel(offer)


def _cancel_what_is_paid(shop: Shop) -> Handler:
    offer = shop.opened(in_wechat())
    shop.wechat.close_answer, shop.wechat.verdict = CloseRefused("ORDERPAID"), shop.paid()

    def cancel() -> None:
        with suppress(OrderAlreadyPaid):
            shop.cancel(offer)

    return cancel


def _watch_a_payment(shop: Shop) -> Handler:
    shop.opened()
    shop.alipay.verdict = shop.paid()
    shop.clock.advance(minutes=1)
    return shop.watch


def _watch_an_expiry(shop: Shop) -> Handler:
    expires_at = shop.opened(in_wechat()).order.expires_at
    shop.wechat.verdict, shop.wechat.close_answer = StillOpen(), ClosedThere()
    shop.clock.set(expires_at)
    return shop.watch


def _watch_a_half_switch(shop: Shop) -> Handler:
    pay_no = shop.opened(ALIPAY).record.pay_no
    shop.alipay.close_answer, shop.alipay.verdict = ChannelUnavailable(), StillOpen()
    with suppress(PaymentInProgress):
        shop.open(pay_no, in_wechat())
    shop.alipay.close_answer = ClosedThere()
    shop.clock.advance(minutes=1)
    return shop.watch


def _watch_a_replaced_attempt_that_its_payer_opened(shop: Shop) -> Handler:
    pay_no = shop.opened(ALIPAY).record.pay_no
    shop.open(pay_no, in_wechat())
    shop.alipay.verdict = shop.wechat.verdict = StillOpen()
    shop.alipay.close_answer = ClosedThere()
    shop.clock.advance(minutes=1)
    return shop.watch


def _refund_notice(shop: Shop) -> Handler:
    """WeChat tells that a surplus is back."""
    pay_no = shop.opened(in_wechat()).record.pay_no
    shop.notified(pay_no, shop.paid(fen=1))
    (refund,) = shop.store.refund_rows.values()
    return _notice(shop, pay_no, refund.channel_refund_no, 1)


def _refund_notice_of_the_portal(shop: Shop) -> Handler:
    pay_no = shop.opened(in_wechat()).record.pay_no
    shop.notified(pay_no, shop.paid())
    return _notice(shop, pay_no, "portal-1", PRICE)


def _notice(shop: Shop, pay_no: PayNo, number: str, fen: int) -> Handler:
    done = RefundDone(amount_fen=Fen(fen), refunded_at=shop.clock.now())
    notice = RefundNotice(channel_refund_no=number, amount_fen=Fen(fen), verdict=done)
    return lambda: shop.notified(pay_no, notice, "n2")


def _portal_refund_told_by_the_trade(shop: Shop) -> Handler:
    pay_no = shop.opened(ALIPAY).record.pay_no
    paid = shop.paid()
    shop.notified(pay_no, paid)
    return lambda: shop.notified(pay_no, replace(paid, back_fen=PRICE), "n2")


PREPARED: list[Callable[[Shop], Handler]] = [
    _offer,
    _open,
    _open_in_wechat,
    _switch,
    _notify,
    _surplus,
    _query,
    _replace,
    _cancel,
    _cancel_what_is_paid,
    _watch_a_payment,
    _watch_an_expiry,
    _watch_a_half_switch,
    _watch_a_replaced_attempt_that_its_payer_opened,
    _refund_notice,
    _refund_notice_of_the_portal,
    _portal_refund_told_by_the_trade,
]


def _settled_state(shop: Shop) -> dict[str, object]:
    """What counts in the end: not the numbers that were minted on the way."""
    store = shop.store
    return {
        "orders": sorted(
            (o.status, o.total_fen, o.phase, o.revoked_by is not None)
            for o in store.orders.values()
        ),
        "records": sorted(
            (
                r.status,
                r.amount_fen,
                r.paid_fen or 0,
                r.refunded_fen,
                r.surplus or "",
                r.channel or "",
                r.still_payable_until is not None,
                r.next_check_at is not None,
            )
            for r in store.records.values()
        ),
        "refunds": sorted((r.amount_fen, r.status) for r in store.refund_rows.values()),
        "messages": len(store.outbox),
        "evidence": sorted(store.notifies),
        "guards": sorted(store.guards),
        "balance": shop.balance(),
    }


def _killed_at(shop: Shop, handler: Handler, fate: Fate) -> bool:
    """Whether the handler was killed; every part of the shop sees the killing store."""
    parts: Any = shop.parts
    alipay, wechat = shop.alipay, shop.wechat
    for part in parts:
        part._store = Killing(shop.store, fate)
    shop.alipay, shop.wechat = Killing(alipay, fate), Killing(wechat, fate)  # type: ignore[assignment]
    try:
        handler()
    except Killed:
        return True
    finally:
        for part in parts:
            part._store = shop.store
        shop.alipay, shop.wechat = alipay, wechat
    return False


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("prepare", PREPARED)
def test_i7_whatever_was_killed_is_completed_by_running_it_again(
    prepare: Callable[[Shop], Handler], done: bool
) -> None:
    undisturbed = Shop()
    prepare(undisturbed)()
    expected = _settled_state(undisturbed)

    deaths = 0
    for fatal in range(1, 60):
        shop = Shop()
        handler = prepare(shop)
        if not _killed_at(shop, handler, Fate(fatal, done)):
            break
        deaths += 1
        shop.clock.advance(seconds=61)  # the next run: claims are overdue, checks are due
        handler()
        assert _settled_state(shop) == expected, f"killed at call {fatal}"
    assert 4 <= deaths < 59
