"""What many suites share: a real broker, real engines, and tables of one's own.

``RABBITMQ_URL``, ``DYNAMODB_ENDPOINT_URL`` and ``S3_ENDPOINT_URL`` in the environment point the
suites at services that run already.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from pynamodb.models import Model

from chalicelib.dynamo import Dynamo
from chalicelib.settings import Settings
from infra.local.s3.app import Gate, access_key, create_server
from infra.local.s3.permission import Permission
from infra.local.services.broker import Broker, ExternalBroker
from infra.local.services.dynamodb import DynamoDB, ExternalDynamoDB
from infra.local.services.objects import Objects
from infra.local.services.tables import create_table

CreateTables = Callable[..., tuple[type[Model], ...]]

hypothesis_settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=100, print_blob=True
)
hypothesis_settings.register_profile("explore", deadline=None, max_examples=2_000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("RABBITMQ_URL"):
        return
    not_ours = {
        "restarts_broker": "RABBITMQ_URL names a broker that is not ours to restart",
        "configures_broker": "RABBITMQ_URL names a broker that rabbitmqctl here does not reach",
        "own_broker": "RABBITMQ_URL names another broker, and this is about a node of our own",
    }
    for item in items:
        for marker, reason in not_ours.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def aws_credentials() -> Iterator[None]:
    """Credentials that are good for nothing, unless the environment has some."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("AWS_ACCESS_KEY_ID"):
            patch.setenv("AWS_ACCESS_KEY_ID", "local")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session")
def _session_broker(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Broker | ExternalBroker]:
    url = os.environ.get("RABBITMQ_URL")
    if url:
        yield ExternalBroker(url, os.environ.get("RABBITMQ_MANAGEMENT_URL", ""))
        return
    broker = Broker(_folder(tmp_path_factory, "broker"))
    broker.start()
    yield broker
    # Its data go with the session: no need for it to tidy them for six seconds.
    broker.kill()
    broker.stop()


@pytest.fixture(scope="session")
def dynamodb(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DynamoDB | ExternalDynamoDB]:
    """The engine of this test run."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    if url:
        yield ExternalDynamoDB(url)
        return
    engine = DynamoDB(_folder(tmp_path_factory, "dynamodb"))
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def s3(
    tmp_path_factory: pytest.TempPathFactory, aws_credentials: None
) -> Iterator[Mapping[str, str]]:
    """The variables that lead to the S3 of this test run, and to its bucket for materials."""
    url, bucket = os.environ.get("S3_ENDPOINT_URL"), os.environ.get("MATERIALS_BUCKET")
    if url:
        yield {"S3_ENDPOINT_URL": url, "MATERIALS_BUCKET": bucket or ""}
        return
    usual = Settings.from_env({"MATERIALS_BUCKET": "test-materials"})
    permission = Permission(usual.materials_bucket, usual.materials_prefix)
    engine = Objects(_folder(tmp_path_factory, "objects"))
    engine.start()
    gate = Gate(access_key(os.environ), usual.aws_region, permission)
    with create_server(gate, engine.endpoint_url) as server:
        yield {"S3_ENDPOINT_URL": server.url, "MATERIALS_BUCKET": usual.materials_bucket}
    engine.stop()


@pytest.fixture
def broker(
    request: pytest.FixtureRequest, _session_broker: Broker | ExternalBroker
) -> Iterator[Broker | ExternalBroker]:
    """The broker of this test run, up; only a test marked ``restarts_broker`` may stop it."""
    yield _session_broker
    if isinstance(_session_broker, Broker) and request.node.get_closest_marker("restarts_broker"):
        _session_broker.start()


@pytest.fixture
def local_settings(
    request: pytest.FixtureRequest,
    dynamodb: DynamoDB | ExternalDynamoDB,
    aws_credentials: None,
) -> Settings:
    """Settings with table names of the test's own; with the broker if the test asks for it."""
    env = {
        "STAGE": "local",
        "DYNAMODB_ENDPOINT_URL": dynamodb.endpoint_url,
        "TABLE_PREFIX": f"test-{uuid.uuid4().hex[:12]}-",
    }
    if "broker" in request.fixturenames:
        env["RABBITMQ_URL"] = request.getfixturevalue("broker").amqp_url
    return Settings.from_env(env)


@pytest.fixture
def create_tables(local_settings: Settings) -> Iterator[CreateTables]:
    """Makes the tables of some models and gives the models bound to them, in that order."""
    dynamo = Dynamo(local_settings)
    made: list[type[Model]] = []

    def create(*models: type[Model]) -> tuple[type[Model], ...]:
        bound = tuple(create_table(dynamo, model) for model in models)
        made.extend(bound)
        return bound

    yield create
    for model in made:
        model.delete_table()


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    return factory.mktemp(name)
