from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.aws.filter_criteria import FilterCriteria

EVENT = {
    "eventName": "INSERT",
    "dynamodb": {"NewImage": {"paid": {"BOOL": True}, "count": {"N": "1"}}, "SizeBytes": 1},
}


def criteria(*patterns: Any) -> FilterCriteria:
    return FilterCriteria(json.dumps(pattern) for pattern in patterns)


def test_without_patterns_everything_matches() -> None:
    assert criteria().match(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["INSERT"]},
        {"eventName": ["MODIFY", "INSERT"]},
        {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"count": {"N": ["1"]}}}},
        {"dynamodb": {"NewImage": {"paid": {"BOOL": [True]}}}},
        {"dynamodb": {"SizeBytes": [1]}},
    ],
)
def test_a_pattern_matches_when_each_of_its_leaves_has_one_of_its_values(pattern: Any) -> None:
    assert criteria(pattern).match(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["MODIFY"]},
        {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"count": {"N": ["2"]}}}},
        {"eventName": {"deeper": ["INSERT"]}},
        {"dynamodb": {"OldImage": {"paid": {"BOOL": [True]}}}},
        {"absent": [None]},
        {"dynamodb": {"SizeBytes": [True]}},
        {"dynamodb": {"SizeBytes": ["1"]}},
    ],
)
def test_a_pattern_does_not_match_when_a_leaf_is_absent_or_another_value(pattern: Any) -> None:
    assert not criteria(pattern).match(EVENT)


def test_one_of_several_patterns_is_enough() -> None:
    assert criteria({"eventName": ["REMOVE"]}, {"eventName": ["INSERT"]}).match(EVENT)
    assert not criteria({"eventName": ["REMOVE"]}, {"eventName": ["MODIFY"]}).match(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        "INSERT",
        [],
        {},
        {"eventName": "INSERT"},
        {"eventName": []},
        {"eventName": {}},
        {"eventName": [{"prefix": "IN"}]},
        {"dynamodb": {"OldImage": [{"exists": False}]}},
        {"$or": [{"eventName": ["INSERT"]}]},
    ],
    ids=repr,
)
def test_a_pattern_that_is_not_understood_is_refused(pattern: Any) -> None:
    with pytest.raises(ValueError, match=r"pattern|exact"):
        criteria(pattern)


def test_a_pattern_that_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        FilterCriteria(["{eventName: INSERT}"])
