"""Which records of a stream a mapping delivers: Lambda's ``FilterCriteria``, the plain part of it.

A pattern is JSON of the shape of the record. Each of its leaves is a list of values, one of which
the record must have there. Operators (``exists``, ``prefix``, ``anything-but``, ``numeric``,
``$or``) are refused rather than misunderstood: no maintained library evaluates them.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

_Pattern = Mapping[str, Any]


class FilterCriteria:
    """Patterns, of which one must match; with none, everything matches.

    Raises
    ------
    ValueError
        A pattern is not JSON, or uses more than lists of exact values.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._patterns = tuple(_parsed(text) for text in patterns)

    def match(self, event: Mapping[str, Any]) -> bool:
        """Whether the record, as the function would receive it, is to be delivered."""
        return not self._patterns or any(_matches(pattern, event) for pattern in self._patterns)


def _parsed(text: str) -> _Pattern:
    pattern = json.loads(text)
    if not isinstance(pattern, dict) or not pattern:
        raise ValueError(f"a filter pattern is an object that is not empty: {text}")
    _check(pattern, text)
    return pattern


def _check(pattern: _Pattern, text: str) -> None:
    for value in pattern.values():
        if isinstance(value, dict) and value:
            _check(value, text)
        elif not isinstance(value, list) or not value:
            raise ValueError(f"a leaf of a filter pattern is a list of values: {text}")
        elif any(isinstance(wanted, dict | list) for wanted in value):
            raise ValueError(f"only exact values are understood here: {text}")


def _matches(pattern: _Pattern, event: object) -> bool:
    if not isinstance(event, Mapping):
        return False
    return all(
        key in event
        and (
            _matches(wanted, event[key])
            if isinstance(wanted, dict)
            else any(_same(event[key], value) for value in wanted)
        )
        for key, wanted in pattern.items()
    )


def _same(actual: object, wanted: object) -> bool:
    # In Python, unlike in JSON, true equals 1.
    return actual == wanted and isinstance(actual, bool) == isinstance(wanted, bool)
