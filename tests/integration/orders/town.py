"""One small world: a shop, two platforms, people, post; and what each of them can do.

Whatever is done, `check` holds our books against the platforms' ledgers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from chalicelib.errors import AppError, NotifyRejected, StaleWrite, StoreRefused
from chalicelib.money import Fen, fen_to_yuan_text
from chalicelib.orders.model import OrderId, PayChannel, PayNo, PayRecord
from chalicelib.orders.platform import Payer
from chalicelib.orders.refunds.desk import RefundAsk
from chalicelib.purchasables import OrderType
from infra.local.alipay.merchant_portal import refund_in_portal as refund_at_alipay
from infra.local.alipay.refusal import Refusal as AlipayRefusal
from infra.local.wechat.refusal import Refusal as WeChatRefusal
from tests.integration.orders.books import Books, WatchedStore
from tests.integration.orders.breakage import Killed
from tests.integration.orders.invariants import (
    Ledger,
    check_account,
    check_one_order_holds_the_goods,
)
from tests.integration.orders.mail import Forger, Mail, PostOffice
from tests.integration.orders.payers import ALIPAY, Held, Payers
from tests.integration.orders.platforms import Platforms, refund_at_wechat
from tests.integration.orders.shop import Shop, Tables, deadline

STUDENTS = 2
PRICES = (990, 1_500, 600)
COURSES = len(PRICES)
_NEVER = frozenset({"ContradictingVerdicts"})
_ONLY_IN_TROUBLE = frozenset({"ChecksFailed", "RefundsFailed"})


class Town:
    """A new world on tables that others have used."""

    def __init__(
        self,
        tables: Tables,
        platforms: Platforms,
        number: int,
        *,
        store: Any = None,
        **broken: Any,
    ) -> None:
        platforms.begin()
        self.tables = tables
        self.platforms = platforms
        self.clock = platforms.clock
        watched = WatchedStore(store or tables.orders)
        self.books = Books(watched)
        self.shop = Shop(tables, platforms, number, store=watched, **broken)
        self.payers = Payers(platforms)
        self.post = PostOffice(platforms)
        self.forger = Forger(platforms)
        self.held: list[Held] = []
        self.heard: list[Mail] = []
        self.chosen: list[tuple[int, int, str]] = []
        """Student, course and choose-course record."""
        self.told_back: dict[PayNo, int] = {}
        """What accepted notifications of Alipay said went back."""
        self.events: dict[str, bool] = {}
        """Messages by their key; whether they are delivered and deleted."""
        self.seen: Counter[str] = Counter()
        """How often each event was reported."""
        self.runs_again = False
        for course, fen in enumerate(PRICES):
            self.shop.sell(course, fen)

    def leave(self) -> None:
        """Leave nothing behind that the jobs of another town would find."""
        self.books.refresh()
        numbers = [refund.out_refund_no for refund in self.books.refunds]
        self.tables.clear(self.books.pay_nos, numbers)

    # --- running handlers

    def run(self, handler: Callable[[], Any]) -> Any:
        """What a handler gives, or the error that its caller sees; None when it was killed."""
        try:
            return handler()
        except (StoreRefused, StaleWrite):
            raise  # nobody else is in the way, and our requests are right
        except AppError as error:
            return error
        except Killed:
            self.seen["Killed"] += 1
            if self.runs_again:
                self.runs_again = False
                return self.run(handler)
            return None
        finally:
            self.shop.interrupter.plan(None)
            self.tables.trouble.stop()

    # --- students, payers, operators

    def choose(self, student: int, course: int) -> None:
        user, goods = self.shop.student(student), self.shop.course(course)
        chosen = self.run(lambda: self.shop.learning.choose(user, goods))
        if chosen is None or isinstance(chosen, AppError):
            return
        wish = (student, course, chosen.record.choose_course_id)
        if wish not in self.chosen:
            self.chosen.append(wish)

    def offer(self, wish: tuple[int, int, str]) -> Any:
        student, _, record = wish
        user = self.shop.student(student)
        return self.run(lambda: self.shop.orders.offer(user, record, OrderType.COURSE, deadline()))

    def open(self, pay_no: PayNo, payer: Payer = ALIPAY) -> Held | None:
        """What the payer gets from the cashier, which they keep for good."""
        shown = self.run(lambda: self.shop.cashier.open(pay_no, payer, deadline()))
        if shown is None or isinstance(shown, AppError):
            return None
        live = self.shop.cashier.show(pay_no).live.pay_no
        self.held.append(Held(live, payer, shown))
        return self.held[-1]

    def scan(self, pay_no: PayNo) -> None:
        """A link preview: nothing may come of it."""
        self.run(lambda: self.shop.cashier.show(pay_no))
        assert not self.books.store.touched

    def ask_result(self, pay_no: PayNo) -> Any:
        return self.run(lambda: self.shop.results.outcome(pay_no, deadline()))

    def cancel(self, order_id: OrderId, by: str) -> Any:
        return self.run(lambda: self.shop.orders.cancel(by, order_id, deadline()))

    def ask_refund(self, order_id: OrderId, ask: RefundAsk) -> Any:
        return self.run(lambda: self.shop.desk.request(order_id, ask, "operator-1"))

    # --- platforms

    def refund_in_the_portal(self, record: PayRecord, fen: int) -> None:
        """Somebody of the merchant's pays back by hand; the platform may refuse."""
        try:
            if record.channel is PayChannel.ALIPAY:
                refund_at_alipay(self.platforms.alipay, record.pay_no, fen_to_yuan_text(Fen(fen)))
            else:
                refund_at_wechat(self.platforms.wechat, record.pay_no, fen)
        except (AlipayRefusal, WeChatRefusal):
            return

    def deliver(self, mail: Mail) -> Any:
        """Bring a notification to our door, and its answer back."""
        is_fresh = mail.is_fresh(self.clock.now())
        answer = self.run(
            lambda: self.shop.results.receive_notify(mail.channel, mail.headers, mail.body)
        )
        if answer is None:
            return None  # no answer: the platform sends it again
        is_taken = not isinstance(answer, AppError)
        assert not (is_fresh and isinstance(answer, NotifyRejected)), f"turned away: {answer}"
        mail.answered(is_taken)
        if is_taken:
            self.told_back[mail.pay_no] = max(self.told_back.get(mail.pay_no, 0), mail.back_fen)
        return answer

    def deliver_all(self) -> None:
        """Everything that is due, in its order; what is delivered is kept for later."""
        while self.post.collect():
            mail = self.post.waiting.pop(0)
            self.heard.append(mail)
            self.deliver(mail)

    def forge(self, mail: Mail) -> None:
        """A forgery must change nothing, and be turned away."""
        answer = self.run(
            lambda: self.shop.results.receive_notify(mail.channel, mail.headers, mail.body)
        )
        if answer is not None:
            assert isinstance(answer, NotifyRejected), f"a forgery was taken: {answer}"
        assert not self.books.store.touched, "a forgery has changed something"

    # --- messages

    def drain(self, most: int = 100, *, keep: bool = False) -> None:
        """Hand the oldest messages over; ``keep``: the broker delivers them once more later."""
        self.books.refresh()
        for message in self.shop.messages_of(self.books.order_ids)[:most]:
            assert not self.events.get(message.event_key), f"{message.event_key} came back"
            self._check_message(message)
            is_done = self.run(lambda message=message: self.shop.hand_over(message))
            if is_done is True and not keep:
                message.delete()
                self.events[message.event_key] = True
        self.check_grants()

    def _check_message(self, message: Any) -> None:
        order_id, _, event = message.event_key.partition("#")
        order = self.books.accounts[OrderId(order_id)].order
        told = order.paid_by_pay_no if event == "paid" else order.revoked_by
        assert message.message_id == told, f"{message.event_key} tells of {message.message_id}"

    # --- checks

    def check(self) -> None:
        """Everything that holds at any moment, where something may have changed."""
        self.shop.interrupter.plan(None)
        self.tables.trouble.stop()
        self.platforms.answer_again()
        ledger = self.platforms.ledger()
        self.books.refresh()
        self._check_reports()
        for account in self.books:
            check_account(account, ledger, self.clock.now())
        check_one_order_holds_the_goods(self.books)
        self._check_messages_exist()

    def _check_reports(self) -> None:
        unfit = _NEVER.intersection(self.shop.reports)
        if not self.in_trouble:
            unfit |= _ONLY_IN_TROUBLE.intersection(self.shop.reports)
        self.seen.update(self.shop.reports)
        self.shop.reports.clear()
        assert not unfit, f"reported: {sorted(unfit)}"

    @property
    def in_trouble(self) -> bool:
        """Whether the database gives no answers."""
        return self.tables.trouble.was_silent

    def _check_messages_exist(self) -> None:
        """One message for each order that is paid, one for goods taken back: from that moment."""
        wanted = {
            f"{account.order.order_id}#{event}"
            for account in self.books
            for event, is_so in (
                ("paid", account.order.paid_by_pay_no is not None),
                (f"refund#{account.order.revoked_by}", account.order.revoked_by is not None),
            )
            if is_so
        }
        if not wanted <= self.events.keys():
            waiting = self.shop.messages_of(self.books.order_ids)
            self.events |= {m.event_key: self.events.get(m.event_key, False) for m in waiting}
        assert wanted == self.events.keys(), f"messages: {wanted ^ self.events.keys()}"

    def check_grants(self) -> None:
        """I2: an open course has its full price at a platform, paid for its own record."""
        ledger = self.platforms.ledger()
        self.books.refresh()
        for wish in self.chosen:
            if self.is_open(wish):
                assert self._is_paid_for(wish[2], ledger), f"{wish[2]} is open and not paid for"

    def is_open(self, wish: tuple[int, int, str]) -> bool:
        """Whether the record has a live grant."""
        student, course, record = wish
        row = self.tables.learning.course_row(self.shop.student(student), self.shop.course(course))
        return row is not None and row.stretch_of(record) is not None

    def _is_paid_for(self, record: str, ledger: Ledger) -> bool:
        return any(
            trade.is_paid and trade.total_fen == account.item.price_fen
            for account in self.books
            if account.order.out_business_id == record
            for pay_no in account.order.pay_nos
            if (trade := ledger.get(pay_no)) is not None
        )
