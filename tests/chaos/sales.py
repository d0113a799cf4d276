"""The load: several writers sell, and pay some of it back, while everything else breaks.

Each message of the run is one sale or one refund. The writers stop at a limit that the run raises
step by step, so that the faults fall among the same messages whatever the machine's speed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from tests.chaos.platform import Platform
from tests.chaos.shop import Sale, Shop

_WRITERS = 3
_A_REFUND_EVERY = 10
_PATIENCE_SECONDS = 120


class Sales:
    """A context manager; inside it the writers are at work.

    Parameters
    ----------
    env : Mapping[str, str]
        For `Shop`.
    pace_seconds : float
        Between two messages, at least.
    """

    def __init__(self, env: Mapping[str, str], pace_seconds: float) -> None:
        platform = Platform()
        self._shops = [Shop(env, platform) for _ in range(_WRITERS)]
        self._pace = pace_seconds
        self._changed = threading.Condition()
        self._limit = self._begun = self._written = 0
        self._next_at = 0.0
        self._sold: list[Sale] = []
        self._refundable: list[Sale] = []
        self._failure: BaseException | None = None
        self._over = False
        self._threads = [
            threading.Thread(target=self._write, args=(shop,), daemon=True) for shop in self._shops
        ]

    def __enter__(self) -> Sales:
        self._shops[0].open()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)

    @property
    def written(self) -> int:
        """How many messages are in the outbox, or were."""
        return self._written

    @property
    def sold(self) -> tuple[Sale, ...]:
        """What was sold so far."""
        with self._changed:
            return tuple(self._sold)

    def allow(self, messages: int) -> None:
        """Let the writers go on for so many more."""
        with self._changed:
            self._limit += messages
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until all that was allowed is written.

        Raises
        ------
        RuntimeError
            A writer failed, or nothing was written for a long time.
        """
        with self._changed:
            while self._written < self._limit and self._failure is None:
                before = self._written
                if not self._changed.wait(_PATIENCE_SECONDS) and self._written == before:
                    raise RuntimeError(f"no writer wrote anything for {_PATIENCE_SECONDS} s")
        if self._failure is not None:
            raise RuntimeError("a writer failed") from self._failure

    def _write(self, shop: Shop) -> None:
        try:
            while (deed := self._next_deed(shop)) is not None:
                deed()
                with self._changed:
                    self._written += 1
                    self._changed.notify_all()
        except BaseException as failure:  # noqa: BLE001  it is raised where somebody waits
            with self._changed:
                self._failure = failure
                self._changed.notify_all()

    def _next_deed(self, shop: Shop) -> Callable[[], None] | None:
        """What to do next, at the pace of all; None: nothing more."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._begun < self._limit)
            if self._over:
                return None
            number = self._begun
            self._begun += 1
            now = time.monotonic()
            self._next_at = max(now, self._next_at + self._pace)
            pause = self._next_at - now
            back = None
            if number % _A_REFUND_EVERY == _A_REFUND_EVERY - 1 and self._refundable:
                back = self._refundable.pop(0)
        time.sleep(pause)
        if back is not None:
            return lambda: shop.pay_back(back)
        return lambda: self._sell(shop, number)

    def _sell(self, shop: Shop, number: int) -> None:
        sale = shop.sell(number)
        with self._changed:
            self._sold.append(sale)
            if number % _A_REFUND_EVERY == 0:
                self._refundable.append(sale)
