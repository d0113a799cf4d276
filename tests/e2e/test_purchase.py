"""The nine steps on the running stack, whole; and each of them broken once."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from infra.local.catalogue import SAMPLE, import_sample
from infra.local.purchase.listener import Listener
from infra.local.purchase.steps import Purchase, Shopper, Step, walk
from infra.local.stack import Stack

_students = itertools.count(int(time.time()))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        import_sample(running.env)
        yield running


@pytest.fixture
def listener(stack: Stack) -> Iterator[Listener]:
    with Listener(stack.env["RABBITMQ_URL"]) as listening:
        yield listening


APurchase = Callable[[Shopper], Purchase]


def a_shopper(*, patience_seconds: float = 60.0) -> Shopper:
    return Shopper(user_id=str(next(_students)), patience_seconds=patience_seconds)


@pytest.fixture
def a_purchase(stack: Stack, listener: Listener) -> Iterator[APurchase]:
    with ExitStack() as open_ones:

        def make(shopper: Shopper) -> Purchase:
            purchase = Purchase(
                api_url=stack.api_url,
                identity_url=stack.identity_url,
                alipay_url=stack.alipay_url,
                listener=listener,
                shopper=shopper,
            )
            return open_ones.enter_context(purchase)

        yield make


def test_a_student_buys_a_course(a_purchase: APurchase) -> None:
    said: list[str] = []
    purchase = a_purchase(a_shopper())

    assert walk(purchase.steps(), said.append), said
    assert [line[:3] for line in said] == [f"✓ {n}" for n in range(1, 10)]
    for number, an_id in (
        (1, purchase.choose_course_id),
        (2, purchase.order_id),
        (2, purchase.pay_no),
    ):
        assert an_id in said[number - 1]


Break = Callable[["Breaker"], None]


class Breaker:
    """Breaks one thing, and knows how to mend it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.mend: list[Callable[[], object]] = []

    def stop(self, part: str) -> None:
        self.stack.part(part).stop()
        self.mend.append(self.stack.part(part).restart)

    def fault(self, **order: object) -> None:
        url = f"{self.stack.alipay_url}/_control/faults"
        httpx.post(url, json={"times": 1000, **order}).raise_for_status()
        self.mend.append(lambda: httpx.delete(url).raise_for_status())

    def take_offline(self) -> None:
        catalogue = json.loads(SAMPLE.read_text("utf-8"))
        for course in catalogue["courses"]:
            course["status"] = "203003"
        file = Path(self.stack.env["SECRETS_DIR"]).parent / "offline.json"
        file.write_text(json.dumps(catalogue), "utf-8")
        import_sample(self.stack.env, file)
        self.mend.append(lambda: import_sample(self.stack.env))


BREAKS: dict[int, tuple[int, Break]] = {
    # the step that must fail: (the step before which something breaks, what breaks)
    1: (1, Breaker.take_offline),
    2: (2, Breaker.take_offline),
    3: (3, lambda breaker: breaker.stop("alipay")),
    5: (4, lambda breaker: breaker.fault(on="notify", do="drop")),
    6: (4, lambda breaker: breaker.fault(on="notify", do="corrupt_signature")),
    7: (7, lambda breaker: breaker.stop("api")),
    8: (4, lambda breaker: breaker.stop("stream_pump")),
    9: (1, lambda breaker: breaker.stop("scheduler")),
}


def _broken(steps: tuple[Step, ...], before: int, action: Callable[[], None]) -> tuple[Step, ...]:
    def with_break(step: Step) -> Step:
        def do() -> str:
            action()
            return step.do()

        return replace(step, do=do)

    return tuple(with_break(step) if step.number == before else step for step in steps)


@pytest.mark.parametrize("number", sorted(BREAKS))
def test_a_step_that_does_not_happen_is_named(
    stack: Stack, a_purchase: APurchase, number: int
) -> None:
    before, break_it = BREAKS[number]
    breaker = Breaker(stack)
    said: list[str] = []
    purchase = a_purchase(a_shopper(patience_seconds=6))
    try:
        assert not walk(_broken(purchase.steps(), before, lambda: break_it(breaker)), said.append)
    finally:
        for mend in breaker.mend:
            mend()
    assert f"step {number} did not happen" in said[-1]
    assert len(said) == number


def test_a_payer_who_does_not_pay_is_noticed(a_purchase: APurchase) -> None:
    said: list[str] = []
    shopper = replace(a_shopper(patience_seconds=6), pay_password="000000")
    assert not walk(a_purchase(shopper).steps(), said.append)
    assert "step 4 did not happen" in said[-1]


def test_a_payment_without_any_notify_is_found_by_asking(
    stack: Stack, a_purchase: APurchase
) -> None:
    """Every notification is lost; the student asks for the result, and the course opens."""
    breaker = Breaker(stack)
    breaker.fault(on="notify", do="drop")
    purchase = a_purchase(a_shopper())
    steps = tuple(step for step in purchase.steps() if step.number not in (5, 6))
    try:
        assert walk(steps, lambda _: None)
    finally:
        for mend in breaker.mend:
            mend()
