from __future__ import annotations

from pynamodb.attributes import UnicodeAttribute
from pynamodb.constants import STREAM_NEW_IMAGE
from pynamodb.models import Model

from chalicelib.dynamo import Dynamo
from chalicelib.settings import Settings
from infra.local.services.dynamodb import DynamoDB
from infra.local.services.tables import stream_arn
from tests.conftest import CreateTables
from tests.integration.local.listening import addresses_of_group


class Plain(Model):
    class Meta:
        table_name = "plain"

    pk = UnicodeAttribute(hash_key=True)


class Streamed(Model):
    class Meta:
        table_name = "streamed"
        stream_view_type = STREAM_NEW_IMAGE

    pk = UnicodeAttribute(hash_key=True)


def test_a_row_comes_back_from_a_table_of_the_tests_own(
    create_tables: CreateTables, local_settings: Settings
) -> None:
    (plain,) = create_tables(Plain)
    plain("row").save()

    assert plain.get("row").pk == "row"
    assert plain.Meta.table_name == f"{local_settings.table_prefix}plain"


def test_a_table_has_a_stream_where_its_model_says_so(
    create_tables: CreateTables, local_settings: Settings
) -> None:
    create_tables(Plain, Streamed)

    dynamo = Dynamo(local_settings)
    assert "/stream/" in stream_arn(dynamo, Streamed)
    assert stream_arn(dynamo, Plain) == ""


def test_the_engine_listens_on_loopback_only(dynamodb: DynamoDB) -> None:
    assert addresses_of_group(dynamodb.pid) == {f"127.0.0.1:{dynamodb.port}"}
