"""A broker's topology in memory, with the survey and the builder that obey our ports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from chalicelib.mq.drift.found import FoundBinding, FoundTopology
from chalicelib.mq.drift.plan import Bind, DeclareExchange, DeclareQueue, Step
from chalicelib.mq.topology import Topology
from tests.unit.mq.drift.builders import a_queue, an_exchange, without_queue


class FakeTopology:
    """Implements `Survey` and `Builder`; what it is asked to do is in ``done``.

    ``not_counted_yet`` are messages, by queue, that the statistics of a look do not show.
    """

    def __init__(self, found: FoundTopology) -> None:
        self.found = found
        self.not_counted_yet: dict[str, int] = {}
        self.done: list[str] = []
        self.looks = 0
        self.before_look: Callable[[], None] = lambda: None

    def look(self, topology: Topology) -> FoundTopology:
        self.looks += 1
        self.before_look()
        return self.found

    def carry_out(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self.done.append(str(step))
            match step:
                case DeclareExchange(name):
                    exchanges = {**self.found.exchanges, name: an_exchange(name)}
                    self.found = replace(self.found, exchanges=exchanges)
                case DeclareQueue(queue):
                    queues = {**self.found.queues, queue.name: a_queue(queue)}
                    self.found = replace(self.found, queues=queues)
                case Bind(queue_name, exchange) if self.found.bindings is not None:
                    bound = self.found.bindings | {FoundBinding(exchange, queue_name)}
                    self.found = replace(self.found, bindings=bound)

    def ready(self, queues: Iterable[str]) -> int:
        return sum(
            (self.found.queues[name].ready or 0) + self.not_counted_yet.get(name, 0)
            for name in queues
        )

    def delete(self, queue: str, *, if_empty: bool) -> None:
        self.done.append(f"delete {queue}" + (" if empty" if if_empty else ""))
        self.found = without_queue(self.found, queue)


class FakePause:
    """Implements `chalicelib.mq.pause.PublishingPause`."""

    def __init__(self, *, paused: bool) -> None:
        self.paused = paused

    def is_paused(self) -> bool:
        return self.paused
