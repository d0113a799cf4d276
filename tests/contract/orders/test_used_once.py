"""What may be used once is used once, by whoever comes first, until its time is over."""

from __future__ import annotations

import threading
from datetime import timedelta

from chalicelib.orders.ports import OrderStore
from tests.contract.orders.things import NOW

UNTIL = NOW + timedelta(minutes=10)
SECOND = timedelta(seconds=1)


def test_the_first_use_is_granted_and_the_second_refused(store: OrderStore) -> None:
    assert store.use_once("oauth#a", UNTIL, NOW)
    assert not store.use_once("oauth#a", UNTIL, NOW)
    assert not store.use_once("oauth#a", UNTIL + timedelta(hours=1), UNTIL - SECOND)


def test_a_refused_use_does_not_make_it_last_longer(store: OrderStore) -> None:
    store.use_once("oauth#a", UNTIL, NOW)
    store.use_once("oauth#a", UNTIL + timedelta(hours=1), NOW + SECOND)
    assert store.use_once("oauth#a", UNTIL + timedelta(hours=1), UNTIL)


def test_when_its_time_is_over_it_is_used_again_and_again_once(store: OrderStore) -> None:
    later = UNTIL + timedelta(minutes=10)
    assert store.use_once("oauth#a", UNTIL, NOW)
    assert store.use_once("oauth#a", later, UNTIL)
    assert not store.use_once("oauth#a", later, UNTIL + SECOND)


def test_one_key_says_nothing_about_another(store: OrderStore) -> None:
    assert store.use_once("oauth#a", UNTIL, NOW)
    assert store.use_once("oauth#b", UNTIL, NOW)


def test_of_many_users_at_once_one_is_granted(store: OrderStore) -> None:
    together = threading.Barrier(6)
    answers: list[bool] = []

    def use() -> None:
        together.wait()
        answers.append(store.use_once("oauth#a", UNTIL, NOW))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 5 + [True]
