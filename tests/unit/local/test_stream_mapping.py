from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from chalicelib.settings import Settings
from infra.stream_mapping import INFINITE, MappingConfig, outbox_mapping

ENV = {"STAGE": "local", "OUTBOX_STREAM_OWNS_SECONDS": "90"}
ID = "14e0db71-5d35-4eb5-b481-8945cf9d10c2"


def refusals(**parameters: Any) -> str:
    service = botocore.session.get_session().get_service_model("lambda")
    shape = service.operation_model("UpdateEventSourceMapping").input_shape
    return str(ParamValidator().validate(parameters, shape).generate_report())


def test_the_outbox_is_mapped_as_its_relay_and_its_sweeper_need_it() -> None:
    assert outbox_mapping(Settings.from_env(ENV)).update_parameters() == {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "BisectBatchOnFunctionError": False,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 90,
        "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
        "ParallelizationFactor": 1,
    }


@pytest.mark.parametrize("config", [outbox_mapping(Settings.from_env(ENV)), MappingConfig()])
def test_the_api_of_lambda_knows_every_parameter(config: MappingConfig) -> None:
    assert refusals(UUID=ID, **config.update_parameters()) == ""
    assert refusals(UUID=ID, **config.update_parameters(), Bisect=True) != ""


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("batch_size", 0),
        ("batch_size", 10_001),
        ("maximum_batching_window_in_seconds", -1),
        ("maximum_batching_window_in_seconds", 301),
        ("maximum_retry_attempts", -2),
        ("maximum_retry_attempts", 10_001),
        ("maximum_record_age_in_seconds", 0),
        ("maximum_record_age_in_seconds", 59),
        ("maximum_record_age_in_seconds", 604_801),
    ],
)
def test_a_number_that_lambda_does_not_accept_is_refused(name: str, number: int) -> None:
    config = MappingConfig(**{name: number})
    with pytest.raises(ValueError, match=f"not accepted by Lambda: {name} "):
        config.update_parameters()


def test_the_smallest_and_the_largest_numbers_are_accepted() -> None:
    smallest = MappingConfig(
        batch_size=1, maximum_retry_attempts=0, maximum_record_age_in_seconds=60
    )
    largest = MappingConfig(
        batch_size=10_000,
        maximum_batching_window_in_seconds=300,
        maximum_retry_attempts=10_000,
        maximum_record_age_in_seconds=604_800,
    )
    assert smallest.update_parameters()["MaximumRetryAttempts"] == 0
    assert largest.update_parameters()["BatchSize"] == 10_000
    assert MappingConfig().update_parameters()["MaximumRetryAttempts"] == INFINITE
