"""The stores that the suites of this folder run on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pynamodb.transactions import TransactWrite

from chalicelib.dynamo import Dynamo
from chalicelib.resources.ports import ResourcesStore
from chalicelib.resources.rows import ChooseMaterialItem, MaterialItem, OwnedMaterialItem
from chalicelib.resources.store import DynamoResourcesStore
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.fakes.resources import FakeResourcesStore


class EchoingDynamo(Dynamo):
    """Sends every transaction twice, as botocore does when the first answer is lost."""

    def transact(self, add_actions: Callable[[TransactWrite], None]) -> None:
        super().transact(add_actions)
        super().transact(add_actions)


@pytest.fixture
def resources_tables(local_settings: Settings, create_tables: CreateTables) -> Settings:
    """Settings of a deployment that has the tables of the study materials."""
    create_tables(MaterialItem, ChooseMaterialItem, OwnedMaterialItem)
    return local_settings


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest) -> ResourcesStore:
    if request.param == "fake":
        return FakeResourcesStore()
    return DynamoResourcesStore(Dynamo(request.getfixturevalue("resources_tables")))


@pytest.fixture
def echoing_store(resources_tables: Settings) -> ResourcesStore:
    return DynamoResourcesStore(EchoingDynamo(resources_tables))
