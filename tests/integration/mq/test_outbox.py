from __future__ import annotations

import pytest

from chalicelib.dynamo import ConditionFailed, Dynamo
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.integration.mq.conftest import put_by_transactions
from tests.unit.mq.builders import a_message


@pytest.fixture
def dynamo(local_settings: Settings, create_tables: CreateTables) -> Dynamo:
    create_tables(OutboxItem)
    return Dynamo(local_settings)


def test_a_row_holds_the_whole_message(dynamo: Dynamo) -> None:
    message = a_message()
    put_by_transactions(dynamo, [message])
    row = dynamo.bind(OutboxItem).get(message.event_key, consistent_read=True)
    assert (row.message_id, row.exchange, row.body) == (
        message.message_id,
        message.exchange,
        message.body,
    )
    assert row.created_at_ms == int(message.created_at.timestamp() * 1000)


def test_one_event_has_one_row(dynamo: Dynamo) -> None:
    put_by_transactions(dynamo, [a_message()])
    with pytest.raises(ConditionFailed):
        put_by_transactions(dynamo, [a_message()])


def test_only_rows_that_are_there_exist(dynamo: Dynamo) -> None:
    there, gone = a_message(1), a_message(2)
    put_by_transactions(dynamo, [there])
    outbox = Outbox(dynamo)
    assert outbox.existing([there.event_key, gone.event_key]) == {there.event_key}
    assert outbox.existing([]) == frozenset()


def test_more_rows_than_one_request_takes_are_read_and_deleted(dynamo: Dynamo) -> None:
    messages = [a_message(number) for number in range(130)]
    put_by_transactions(dynamo, messages)
    outbox = Outbox(dynamo)
    keys = [m.event_key for m in messages]
    assert outbox.existing(keys) == set(keys)

    outbox.delete(keys[:129])

    assert outbox.existing(keys) == {keys[129]}


def test_deleting_twice_is_no_error(dynamo: Dynamo) -> None:
    message = a_message()
    put_by_transactions(dynamo, [message])
    outbox = Outbox(dynamo)
    outbox.delete([message.event_key, message.event_key])
    outbox.delete([message.event_key])
    assert outbox.existing([message.event_key]) == frozenset()
