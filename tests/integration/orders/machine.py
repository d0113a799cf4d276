"""The state machine: whatever students, payers, operators, platforms and containers may do.

A step is one deed, perhaps with a twist (`twists`). After each step every invariant that holds at
any moment is checked; after the last, quiet time brings everything to its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib.money import Fen
from chalicelib.orders.model import OrderStatus, PayChannel, PayRecord, PayStatus, Refund
from chalicelib.orders.platform import Payer
from chalicelib.orders.refunds.desk import RefundAsk
from infra.local.wechat.refund_outcomes import Outcome
from tests.integration.orders.books import Account
from tests.integration.orders.payers import ALIPAY, PAYERS
from tests.integration.orders.platforms import OPENIDS
from tests.integration.orders.quiet import let_it_be_quiet
from tests.integration.orders.town import COURSES, PRICES, STUDENTS, Town
from tests.integration.orders.twists import Twist, twists


@dataclass
class Tally:
    """How much was tried, and what came of it."""

    examples: int = 0
    steps: int = 0
    seen: Counter[str] = field(default_factory=Counter)


recent = st.integers(0, 5)
"""Which one, counted from the newest."""
students = st.integers(0, STUDENTS - 1)
courses = st.integers(0, COURSES - 1)
payers = st.sampled_from([ALIPAY, ALIPAY, *PAYERS])
pauses = st.sampled_from([0, 5, 31, 65, 65, 300, 300, 900, 1_800, 90_000])
"""Seconds that pass before a job runs."""


@dataclass(frozen=True)
class Deed:
    """Something that may happen: how often, when, and what about it is drawn."""

    do: Callable[..., None]
    weight: int
    possible: Callable[[OrderMachine], Any]
    strategies: dict[str, st.SearchStrategy[Any]]


DEEDS: dict[str, Deed] = {}


def deed(
    weight: int = 2,
    when: Callable[[OrderMachine], Any] = lambda _: True,
    **strategies: st.SearchStrategy[Any],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a method one of the deeds.

    They are not rules of their own: hypothesis would leave out half of all rules in half of all
    examples, and a refund needs a whole chain of them.
    """

    def note(do: Callable[..., None]) -> Callable[..., None]:
        DEEDS[do.__name__] = Deed(do, weight, when, strategies)
        return do

    return note


def newest(things: Any, number: int) -> Any:
    """One of ``things``, counted from the last."""
    listed = list(things)
    return listed[-1 - number % len(listed)]


class OrderMachine(RuleBasedStateMachine):
    """One town; its deeds as rules."""

    def __init__(self, new_town: Callable[[], Town], tally: Tally) -> None:
        super().__init__()
        self.tally = tally
        tally.examples += 1
        self.post_comes = True
        self.is_well = True
        self.town = new_town()

    @initialize(
        visits=st.lists(
            st.tuples(students, courses, payers, st.booleans()), min_size=1, max_size=3
        ),
        is_told=st.booleans(),
    )
    def begin(self, visits: list[tuple[int, int, Payer, bool]], is_told: bool) -> None:
        """Nobody pays for what nobody opened: begin where it becomes interesting."""
        for student, course, payer, pays in visits:
            self._choose_and_open(student, course, payer)
            if pays and self.town.held:
                self.town.payers.pay(self.town.held[-1])
        if is_told:
            self.town.deliver_all()

    def _choose_and_open(self, student: int, course: int, payer: Payer) -> None:
        self.town.choose(student, course)
        if self.town.chosen:
            self.town.offer(self.town.chosen[-1])
            self.town.books.refresh()
        if self.attempts:
            self.town.open(self.attempts[-1].pay_no, payer)

    # --- what the rules choose from

    @property
    def accounts(self) -> list[Account]:
        return list(self.town.books)

    @property
    def attempts(self) -> list[PayRecord]:
        return [record for account in self.accounts for record in account.records]

    @property
    def payable(self) -> list[PayRecord]:
        """Attempts of unpaid orders; when there are none, whatever there is."""
        unpaid = [a for a in self.accounts if a.order.status is OrderStatus.UNPAID]
        return [record for account in unpaid for record in account.records] or self.attempts

    @property
    def opened(self) -> list[PayRecord]:
        return [record for record in self.attempts if record.opened_at is not None]

    @property
    def paid(self) -> list[PayRecord]:
        return [record for record in self.attempts if record.status is PayStatus.PAID]

    def twist(self, twist: Twist | None) -> None:
        if twist is not None:
            twist.order(self.town)

    # --- students

    @deed(1, when=lambda self: self.attempts, which=recent, only_looks=st.booleans(), twist=twists)
    def ask_result(self, which: int, only_looks: bool, twist: Twist | None) -> None:
        pay_no = newest(self.attempts, which).pay_no
        if only_looks:
            self.town.scan(pay_no)
        else:
            self.twist(twist)
            self.town.ask_result(pay_no)

    @deed(3, student=students, course=courses, payer=payers, pays=st.booleans(), twist=twists)
    def buy(self, student: int, course: int, payer: Payer, pays: bool, twist: Twist | None) -> None:
        """The straight way, as far as to the open attempt, or to the news of its payment."""
        if not pays:
            self.twist(twist)
        self._choose_and_open(student, course, payer)
        if pays and self.town.held:
            self.town.payers.pay(self.town.held[-1])
            self.twist(twist)
            self.town.deliver_all()

    @deed(1, which=recent, chooses=st.booleans(), twist=twists)
    def offer(self, which: int, chooses: bool, twist: Twist | None) -> None:
        student, course, _ = wish = newest(self.town.chosen, which)
        if chooses:
            self.town.choose(student, course)
        self.twist(twist)
        self.town.offer(wish)

    @deed(when=lambda self: self.accounts, which=recent, and_again=st.booleans(), twist=twists)
    def cancel(self, which: int, and_again: bool, twist: Twist | None) -> None:
        order = newest(self.accounts, which).order
        self.twist(twist)
        self.town.cancel(order.order_id, order.user_id)
        for wish in self.town.chosen:
            if and_again and wish[2] == order.out_business_id:
                self.town.offer(wish)

    @deed(1, course=courses, fen=st.sampled_from([*PRICES, 1]), offline=st.booleans())
    def change_the_catalogue(self, course: int, fen: int, offline: bool) -> None:
        self.town.shop.sell(course, fen, offline=offline)

    # --- payers

    @deed(
        5,
        when=lambda self: self.attempts,
        which=recent,
        payer=payers,
        pays=st.sampled_from([False, False, True]),
        twist=twists,
    )
    def open(self, which: int, payer: Payer, pays: bool, twist: Twist | None) -> None:
        self.twist(twist)
        held = self.town.open(newest(self.payable, which).pay_no, payer)
        if pays and held is not None:
            self.town.payers.pay(held)

    @deed(
        3,
        when=lambda self: self.town.held,
        which=recent,
        openid=st.sampled_from([None, None, *OPENIDS]),
        only_logs_in=st.booleans(),
        all_pay=st.booleans(),
    )
    def pay(self, which: int, openid: str | None, only_logs_in: bool, all_pay: bool) -> None:
        """One payer, or everybody who holds something for the same order."""
        held = newest(self.town.held, which)
        order = next(a.order for a in self.accounts if held.pay_no in a.order.pay_nos)
        for each in self.town.held if all_pay else [held]:
            if each.pay_no in order.pay_nos:
                self.town.payers.log_in(each)
                if not only_logs_in:
                    self.town.payers.pay(each, openid)

    @deed(
        when=lambda self: self.town.held,
        which=recent,
        late=st.sampled_from([-1, 1, 45, 100]),
        twist=twists,
    )
    def pay_around_the_end(self, which: int, late: int, twist: Twist | None) -> None:
        """At the cashier in time; the password comes when it comes, perhaps after the job."""
        held = newest(self.town.held, which)
        self.town.payers.log_in(held)
        account = next(a for a in self.accounts if held.pay_no in a.order.pay_nos)
        moment = account.order.expires_at + timedelta(seconds=late)
        self.town.clock.set(max(self.town.clock.now(), moment))
        self.twist(twist)
        self.town.run(self.town.shop.watch)
        self.town.payers.pay(held)

    @property
    def asked_about_at_alipay(self) -> list[PayRecord]:
        """Of what another program of ours takes for an older number only its notification tells."""
        return [
            record
            for record in self.opened
            if record.channel is PayChannel.ALIPAY and record.next_check_at is not None
        ]

    @deed(1, when=lambda self: bool(self.asked_about_at_alipay), which=recent)
    def pay_another_amount(self, which: int) -> None:
        pay_no = newest(self.asked_about_at_alipay, which).pay_no
        self.town.payers.pay_another_amount(pay_no, Fen(1))

    # --- notifications

    @deed(which=recent, twist=twists)
    def deliver(self, which: int, twist: Twist | None) -> None:
        """One of those that are due, not always the first."""
        if self.town.post.collect():
            mail = newest(self.town.post.waiting, which)
            self.town.post.waiting.remove(mail)
            self.town.heard.append(mail)
            self.twist(twist)
            self.town.deliver(mail)

    @deed(3, twist=twists)
    def deliver_all(self, twist: Twist | None) -> None:
        self.twist(twist)
        self.town.deliver_all()

    @deed(1, for_good=st.booleans())
    def lose_the_post(self, for_good: bool) -> None:
        """What is due goes nowhere; in the end, either."""
        self.post_comes = self.post_comes and not for_good
        self.town.post.collect()
        self.town.post.waiting.clear()

    @deed(1, when=lambda self: self.town.heard, which=recent, twist=twists)
    def deliver_again(self, which: int, twist: Twist | None) -> None:
        self.twist(twist)
        self.town.deliver(newest(self.town.heard, which))

    @deed(
        1,
        when=lambda self: self.opened,
        which=recent,
        how=st.sampled_from(["stranger", "other app", "other merchant", "changed"]),
    )
    def forge(self, which: int, how: str) -> None:
        forger = self.town.forger
        if how != "changed":
            self.town.forge(forger.paid(newest(self.opened, which), how))
        elif self.town.heard:
            self.town.forge(forger.changed(newest(self.town.heard, which)))

    # --- jobs and time

    @deed(seconds=pauses, twist=twists)
    def watch(self, seconds: int, twist: Twist | None) -> None:
        self.town.clock.advance(seconds=seconds)
        self.twist(twist)
        self.town.run(self.town.shop.watch)

    @deed(when=lambda self: self.paid, seconds=pauses, twist=twists)
    def send_refunds(self, seconds: int, twist: Twist | None) -> None:
        self.town.clock.advance(seconds=seconds)
        self.twist(twist)
        self.town.run(self.town.shop.send_refunds)

    @deed(when=lambda self: self.paid, most=st.integers(1, 3), keep=st.booleans(), twist=twists)
    def drain(self, most: int, keep: bool, twist: Twist | None) -> None:
        self.twist(twist)
        self.town.drain(most, keep=keep)

    # --- refunds

    @deed(
        4,
        when=lambda self: self.paid,
        which=recent,
        fen=st.sampled_from([None, None, 1, 400, 600]),
        revoke=st.sampled_from([None, True, False]),
        key=st.sampled_from(["k1", "k2", "k3"]),
        goes_out=st.booleans(),
        twist=twists,
    )
    def refund(
        self,
        which: int,
        fen: int | None,
        revoke: bool | None,
        key: str,
        goes_out: bool,
        twist: Twist | None,
    ) -> None:
        """An operator asks; perhaps a second one approves at once, and the job sends it."""
        town, record = self.town, newest(self.paid, which)
        amount = None if fen is None else Fen(fen)
        ask = RefundAsk(idempotency_key=key, reason="不想学了", amount_fen=amount, revoke=revoke)
        if not goes_out:
            self.twist(twist)
        asked = town.ask_refund(record.order_id, ask)
        if goes_out and isinstance(asked, Refund):
            town.run(lambda: town.shop.desk.approve(asked.out_refund_no, "operator-2"))
            self.twist(twist)
            town.run(town.shop.send_refunds)

    @deed(
        when=lambda self: self.town.books.refunds, which=recent, approve=st.booleans(), twist=twists
    )
    def decide(self, which: int, approve: bool, twist: Twist | None) -> None:
        number = newest(self.town.books.refunds, which).out_refund_no
        desk = self.town.shop.desk
        self.twist(twist)
        self.town.run(lambda: (desk.approve if approve else desk.reject)(number, "operator-2"))

    @deed(1, when=lambda self: self.paid, which=recent, fen=st.sampled_from([1, 400, 990, 1_500]))
    def refund_in_the_portal(self, which: int, fen: int) -> None:
        self.town.refund_in_the_portal(newest(self.paid, which), fen)

    @deed(
        1,
        when=lambda self: self.paid,
        outcome=st.sampled_from(["CLOSED", "ABNORMAL", "SUCCESS", "NOT_ENOUGH"]),
        seconds=st.sampled_from([0, 30, 4_000]),
    )
    def next_refund_of_wechat(self, outcome: Any, seconds: int) -> None:
        self.town.platforms.wechat.outcomes.add(Outcome(outcome=outcome, after_seconds=seconds))

    # --- the one rule, and the checks

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        self.is_well = False
        self.tally.steps += 1
        names = [n for n, d in DEEDS.items() for _ in range(d.weight) if d.possible(self)]
        chosen = DEEDS[data.draw(st.sampled_from(names), label="deed")]
        drawn = data.draw(st.fixed_dictionaries(chosen.strategies), label="how")
        self.tally.seen[f"deed {chosen.do.__name__}"] += 1
        chosen.do(self, **drawn)

    @invariant()
    def the_books_are_right(self) -> None:
        self.town.check()
        self.is_well = True

    def teardown(self) -> None:
        try:
            if self.is_well:
                let_it_be_quiet(self.town, post_comes=self.post_comes)
        finally:
            self.tally.seen.update(self.town.seen)
            self.tally.seen.update(outcomes(self.accounts))
            self.town.leave()


def outcomes(accounts: list[Account]) -> list[str]:
    """How orders, attempts and refunds have ended."""
    orders = [f"order {account.order.status.name}" for account in accounts]
    switched = [f"attempts {min(len(account.records), 4)}" for account in accounts]
    surplus = [
        f"surplus {record.surplus.name}"
        for account in accounts
        for record in account.records
        if record.surplus is not None
    ]
    refunds = [
        f"refund {refund.kind.name} {refund.status.name}"
        for account in accounts
        for refund in account.refunds
    ]
    return [*orders, *switched, *surplus, *refunds]
