"""A row of my course table follows from its live grants."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.learning.model import CourseRow, Grant, LearnStatus
from chalicelib.selling.codes import is_plain_id
from tests.fakes.clock import START
from tests.unit.learning.builders import RENEW_WINDOW, a_grant, a_row

DAY = timedelta(days=1)

grants = st.lists(
    st.builds(
        lambda number, hours, days, revoked: a_grant(
            str(number),
            paid_at=START + timedelta(hours=hours),
            valid_days=days,
            revoked=revoked,
        ),
        st.integers(1, 6),
        st.integers(0, 24 * 800),
        st.integers(1, 400),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda grant: grant.choose_course_id,
)


def row_of(given_grants: list[Grant]) -> CourseRow:
    return a_row(*given_grants)


@given(grants, st.randoms())
def test_every_order_and_repetition_of_grants_gives_the_same_row(some: list[Grant], chance):
    shuffled = some + [grant for grant in some if chance.random() < 0.5]
    random.Random(chance.random()).shuffle(shuffled)

    assert row_of(shuffled) == row_of(some)


@given(grants)
def test_the_stretches_of_a_row_never_overlap_and_last_as_long_as_was_paid(some: list[Grant]):
    stretches = row_of(some).stretches

    for stretch in stretches:
        assert stretch.ends_at - stretch.starts_at == timedelta(days=stretch.grant.valid_days)
        assert stretch.starts_at >= stretch.grant.paid_at
    for earlier, later in pairwise(stretches):
        assert earlier.ends_at <= later.starts_at


@given(grants)
def test_revoked_grants_leave_no_trace_but_themselves(some: list[Grant]):
    live = [grant for grant in some if not grant.revoked]

    assert row_of(some).stretches == row_of(live).stretches


def test_validity_counts_from_the_payment():
    row = a_row(a_grant(valid_days=10))

    assert (row.valid_from, row.valid_to) == (START, START + 10 * DAY)


def test_a_renewal_before_the_end_is_added_to_the_end():
    row = a_row(a_grant("1", valid_days=10), a_grant("2", paid_at=START + 8 * DAY, valid_days=10))

    assert (row.valid_from, row.valid_to) == (START, START + 20 * DAY)


def test_a_renewal_after_the_end_begins_a_new_stretch():
    row = a_row(a_grant("1", valid_days=10), a_grant("2", paid_at=START + 50 * DAY, valid_days=10))

    assert (row.valid_from, row.valid_to) == (START + 50 * DAY, START + 60 * DAY)


def test_a_grant_that_was_revoked_is_not_granted_again():
    row = a_row(a_grant("1", revoked=True))

    assert row.with_grant(a_grant("1")) == row
    assert row.learn_status(START) is LearnStatus.NOT_CHOSEN_OR_NOT_PAID


def test_a_row_shows_what_was_paid_last_and_live():
    row = a_row(
        a_grant("1"),
        a_grant("3", paid_at=START + 2 * DAY, revoked=True),
        replace(a_grant("2", paid_at=START + DAY), course_name="新名称"),
    )

    assert row.newest is not None
    assert row.newest.course_name == "新名称"
    assert row.joined_at == START


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (timedelta(0), LearnStatus.MAY_LEARN),
        (10 * DAY - timedelta(microseconds=1), LearnStatus.MAY_LEARN),
        (10 * DAY, LearnStatus.EXPIRED),
    ],
)
def test_a_row_expires_at_its_end(after, status):
    assert a_row(a_grant(valid_days=10)).learn_status(START + after) is status


def test_a_row_without_grants_may_not_be_learnt():
    assert CourseRow(user_id="u", course_id="c").learn_status(START) is (
        LearnStatus.NOT_CHOSEN_OR_NOT_PAID
    )


@pytest.mark.parametrize(
    ("valid_days", "after_days", "renewable"),
    [
        (365, 0, False),
        (365, 334.9, False),
        (365, 335, True),
        (365, 400, True),
        (7, 0, False),  # half of seven days: a double click never buys a short course twice
        (7, 3.4, False),
        (7, 3.5, True),
        (1, 0, False),
    ],
)
def test_a_row_is_renewable_near_its_end(valid_days, after_days, renewable):
    row = a_row(a_grant(valid_days=valid_days))

    assert row.renewable(START + timedelta(days=after_days), RENEW_WINDOW) is renewable


def test_the_latest_time_of_learning_stays():
    row = a_row(a_grant()).learned(START + DAY)

    assert row.learned(START).learned_at == START + DAY
    assert row.learned(START + 2 * DAY).learned_at == START + 2 * DAY


@pytest.mark.parametrize("text", ["", "a#b", "a b", "课程", "a" * 65, "a/b", "a\n", "٣"])
def test_what_is_no_plain_id(text):
    assert not is_plain_id(text)


@pytest.mark.parametrize("text", ["1", "1001", "course-1_A", "a" * 64])
def test_what_is_a_plain_id(text):
    assert is_plain_id(text)
