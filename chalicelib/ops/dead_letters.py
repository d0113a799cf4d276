"""What became of nobody's message: look at dead letters, send them again, or drop them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from chalicelib.mq.dead_letters import DeadLetter, DeadQueue, OpenDeadQueue, letters
from chalicelib.mq.delivery import Delivery
from chalicelib.mq.topology import Subscription
from chalicelib.ops.telling import Tell

MOST_MESSAGES = 5_000
"""More are not looked at in one go: they would be hidden from others for too long."""


class NotChosen(ValueError):
    """The letters that were named cannot be chosen; the text says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The letters of one dead queue, while the look lasts. ``rest`` messages were left alone."""

    subscription: Subscription
    queue: DeadQueue
    letters: Sequence[DeadLetter]
    rest: int


def show(open_queue: OpenDeadQueue, subscriptions: Sequence[Subscription], tell: Tell) -> None:
    """Say what is in the dead queues; changes nothing.

    Raises
    ------
    BrokerError
        The broker cannot be used, or a dead queue is missing.
    """
    with _looks(open_queue, subscriptions) as looks:
        for look in looks:
            messages = sum(len(letter.copies) for letter in look.letters)
            tell(f"{look.subscription.dead_queue}: {len(look.letters)} letters")
            for letter in look.letters:
                _describe(letter, tell)
            if look.rest:
                tell(f"  {messages} messages were looked at, {look.rest} more were not")


def replay(
    open_queue: OpenDeadQueue,
    subscriptions: Sequence[Subscription],
    keys: Sequence[str] | None,
    tell: Tell,
) -> None:
    """Send letters to the work queue they died in, as if they were new; all of them without keys.

    The copy is confirmed before the letter is settled: killed in between, it is in both queues,
    and may be replayed again, since effects are idempotent. Other subscribers are not troubled.

    Raises
    ------
    NotChosen
        A key is none, or names two letters. Nothing was changed.
    BrokerError
        The broker cannot be used; what was said to be replayed is.
    """
    with _looks(open_queue, subscriptions) as looks:
        chosen = _everything(looks) if keys is None else _chosen(looks, keys)
        for look, letter in chosen:
            look.queue.to_work_queue(letter.copies[0])
            look.queue.settle(letter.copies)
            tell(f"replayed {letter.key} to {look.subscription.work_queue}")
        rest = sum(look.rest for look in looks) if keys is None else 0
        tell(
            f"{len(chosen)} letters replayed" + (f", {rest} messages were left alone" * bool(rest))
        )


def drop(
    open_queue: OpenDeadQueue,
    subscriptions: Sequence[Subscription],
    keys: Sequence[str],
    reason: str,
    tell: Tell,
) -> None:
    """Remove letters for good. What is told of each before that is the only trace of it.

    Raises
    ------
    NotChosen
        A key is none, or names two letters; or there is no reason. Nothing was changed.
    BrokerError
        The broker cannot be used; what was said to be dropped is.
    """
    if not reason.strip():
        raise NotChosen("a letter is dropped for a reason")
    with _looks(open_queue, subscriptions) as looks:
        for look, letter in _chosen(looks, keys):
            tell(f"dropping from {look.subscription.dead_queue}, because: {_line(reason)}")
            _describe(letter, tell)
            tell(f"    body: {_whole(letter.body)}")
            look.queue.settle(letter.copies)
            tell(f"dropped {letter.key}")


@contextmanager
def _looks(
    open_queue: OpenDeadQueue, subscriptions: Sequence[Subscription]
) -> Iterator[Sequence[_Look]]:
    with ExitStack() as open_ones:
        looks: list[_Look] = []
        for subscription in subscriptions:
            queue = open_queue(subscription)
            open_ones.callback(queue.close)
            taken: list[Delivery] = []
            # what dies while we look is for the next look
            while len(taken) < min(queue.waiting, MOST_MESSAGES):
                delivery = queue.take()
                if delivery is None:
                    break
                taken.append(delivery)
            rest = max(0, queue.waiting - MOST_MESSAGES)
            looks.append(_Look(subscription, queue, letters(taken), rest))
        yield looks


def _everything(looks: Sequence[_Look]) -> list[tuple[_Look, DeadLetter]]:
    return [(look, letter) for look in looks for letter in look.letters]


def _chosen(looks: Sequence[_Look], keys: Sequence[str]) -> list[tuple[_Look, DeadLetter]]:
    found = []
    for key in dict.fromkeys(keys):
        fitting = [(look, letter) for look, letter in _everything(looks) if letter.key == key]
        if not fitting:
            raise NotChosen(f"no dead letter {key}")
        if len(fitting) > 1:
            raise NotChosen(f"{key} is in more than one queue: say which")
        found.extend(fitting)
    return found


def _describe(letter: DeadLetter, tell: Tell) -> None:
    copies = len(letter.copies)
    facts = [f"attempt {letter.attempt}", f"{len(letter.body)} bytes"]
    if copies > 1:
        facts.append(f"{copies} copies")
    tell(f"  {letter.key}: {', '.join(facts)}")
    tell(f"    message id: {_line(letter.message_id) or 'none'}")
    tell(f"    business key: {_line(letter.business_key) or 'none'}")
    tell(f"    reason: {_line(letter.reason) or 'none'}")


def _line(text: str) -> str:
    """Without what a terminal obeys: ids and reasons may be a stranger's."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _whole(body: bytes) -> str:
    """A body from which every byte can be had back: as it is where a terminal shows it so."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    return text if text.isprintable() else f"base64 {base64.b64encode(body).decode('ascii')}"
