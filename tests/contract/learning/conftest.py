"""The stores that the suites of this folder run on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pynamodb.transactions import TransactWrite

from chalicelib.dynamo import Dynamo
from chalicelib.learning.ports import LearningStore
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.fakes.learning import FakeLearningStore


class EchoingDynamo(Dynamo):
    """Sends every transaction twice, as botocore does when the first answer is lost."""

    def transact(self, add_actions: Callable[[TransactWrite], None]) -> None:
        super().transact(add_actions)
        super().transact(add_actions)


@pytest.fixture
def learning_tables(local_settings: Settings, create_tables: CreateTables) -> Settings:
    """Settings of a deployment that has the tables of the learning centre."""
    create_tables(CourseItem, ChooseCourseItem, CourseTableItem)
    return local_settings


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest) -> LearningStore:
    if request.param == "fake":
        return FakeLearningStore()
    return DynamoLearningStore(Dynamo(request.getfixturevalue("learning_tables")))


@pytest.fixture
def echoing_store(learning_tables: Settings) -> LearningStore:
    return DynamoLearningStore(EchoingDynamo(learning_tables))
