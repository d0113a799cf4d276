"""What may go wrong while a handler runs: a kill, somebody else in between, silence, conflicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import strategies as st

from infra.local.alipay.faults import Fault as AlipayFault
from infra.local.wechat.faults import Fault as WeChatFault
from tests.integration.orders.breakage import Interruption, Killed
from tests.integration.orders.payers import PAYERS
from tests.integration.orders.town import Town


class Twist(Protocol):
    """Something that is ordered before a handler runs."""

    def order(self, town: Town) -> None: ...


@dataclass(frozen=True)
class Kill:
    """The container dies at the ``at``-th remote call; perhaps the handler is run again."""

    at: int
    done: bool
    runs_again: bool

    def order(self, town: Town) -> None:
        town.runs_again = self.runs_again
        town.shop.interrupter.plan(Interruption(self.at, self.done, _die))


@dataclass(frozen=True)
class Meanwhile:
    """Somebody else acts at the ``at``-th remote call."""

    at: int
    done: bool
    deed: str
    payer: int = 0

    def order(self, town: Town) -> None:
        def act() -> None:
            DEEDS[self.deed](town, self.payer)

        town.shop.interrupter.plan(Interruption(self.at, self.done, act))


@dataclass(frozen=True)
class PlatformTrouble:
    """The first ``call`` of the handler has no answer that can be trusted; None: of each kind."""

    call: str | None
    deed: str

    def order(self, town: Town) -> None:
        for call, (method, name) in _CALLS.items():
            if self.call in (None, call):
                town.platforms.wechat.faults.add(WeChatFault(on=name, do=self.deed))  # type: ignore[arg-type]
                if method:
                    deed: Any = "lose" if self.deed == "lost" else self.deed
                    fault = AlipayFault(on=f"alipay.trade.{method}", do=deed)
                    town.platforms.alipay.faults.add(fault)


_CALLS = {
    "start": ("", "prepay"),
    "query": ("query", "query"),
    "close": ("close", "close"),
    "refund": ("refund", "refund"),
    "query_refund": ("fastpay.refund.query", "query_refund"),
}


@dataclass(frozen=True)
class NoBalance:
    """The merchant's account at Alipay cannot pay this refund now."""

    def order(self, town: Town) -> None:
        fault = AlipayFault(
            on="alipay.trade.refund", do="refuse", sub_code="ACQ.SELLER_BALANCE_NOT_ENOUGH"
        )
        town.platforms.alipay.faults.add(fault)


@dataclass(frozen=True)
class DatabaseTwist:
    """Transactions that conflict, or writes whose answer is lost; three times is for good."""

    conflicts: int = 0
    lost_answers: int = 0

    def order(self, town: Town) -> None:
        town.tables.trouble.conflicts = self.conflicts
        town.tables.trouble.lost_answers = self.lost_answers


def _die() -> None:
    raise Killed


def _pay(town: Town, _: int) -> None:
    if town.held:
        town.payers.pay(town.held[-1])


def _open(town: Town, payer: int) -> None:
    if town.books.pay_nos:
        town.open(town.books.pay_nos[-1], PAYERS[payer % len(PAYERS)])


def _offer(town: Town, _: int) -> None:
    if town.chosen:
        town.offer(town.chosen[-1])


def _cancel(town: Town, _: int) -> None:
    account = town.books.newest
    if account is not None:
        town.cancel(account.order.order_id, account.order.user_id)


DEEDS: dict[str, Callable[[Town, int], None]] = {
    "pays": _pay,
    "pays and is told": lambda town, _: (_pay(town, 0), town.deliver_all())[-1],
    "is told": lambda town, _: town.deliver_all(),
    "opens": _open,
    "offers": _offer,
    "cancels": _cancel,
    "watches": lambda town, _: town.run(town.shop.watch),
    "refunds": lambda town, _: town.run(town.shop.send_refunds),
    "takes 31 s": lambda town, _: town.clock.advance(seconds=31) and None,
}

_at = st.integers(1, 14)
_interrupted = st.one_of(
    st.builds(Kill, _at, st.booleans(), st.booleans()),
    st.builds(
        Meanwhile, _at, st.booleans(), st.sampled_from(list(DEEDS)), st.integers(0, len(PAYERS))
    ),
)
_silent = st.one_of(
    st.builds(
        PlatformTrouble,
        st.sampled_from([None, None, *_CALLS]),
        st.sampled_from(
            ["lost", "http_500", "html", "unsigned", "corrupt_signature", "system_error"]
        ),
    ),
    st.builds(NoBalance),
    st.builds(DatabaseTwist, conflicts=st.sampled_from([1, 3])),
    st.builds(DatabaseTwist, lost_answers=st.sampled_from([1, 3])),
)

twists: st.SearchStrategy[Twist | None] = st.one_of(st.none(), st.none(), _interrupted, _silent)
"""Half of all handlers run undisturbed."""
