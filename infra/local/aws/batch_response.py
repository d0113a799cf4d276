"""What a function answers to a batch of stream records, as Lambda reads it.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def first_failed(answer: Any, sequence_numbers: Sequence[str]) -> int | None:
    """Where in the batch delivery has to go on: the place of the lowest number that failed.

    An absent or empty answer, and an absent or empty list in it, are a complete success: None.

    Raises
    ------
    ValueError
        The whole batch counts as failed: an identifier is blank, null, under another key, or not
        one of ``sequence_numbers``; or the answer has another shape than
        ``{"batchItemFailures": [{"itemIdentifier": ...}]}``.
    """
    failed = _failed_sequence_numbers(answer)
    if unknown := failed - set(sequence_numbers):
        raise ValueError(f"the batch does not hold {sorted(unknown)}")
    # A shard has its records in the order of their numbers.
    return next((i for i, number in enumerate(sequence_numbers) if number in failed), None)


def _failed_sequence_numbers(answer: Any) -> frozenset[str]:
    if not answer:
        return frozenset()
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        raise ValueError(f"not an answer to a stream event: {answer!r}")
    items = answer["batchItemFailures"]
    if items is None:
        return frozenset()
    if not isinstance(items, list):
        raise ValueError(f"not a list of item identifiers: {items!r}")
    return frozenset(_identifier(item) for item in items)


def _identifier(item: Any) -> str:
    identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
    if not isinstance(identifier, str) or not identifier.strip():
        raise ValueError(f"not an item identifier: {item!r}")
    return identifier
