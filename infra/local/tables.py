"""Makes the tables of the project in the local engine; on AWS a stack of resources does.

They are made as the models declare them: keys, indexes, and the stream where a model has one.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TypeVar

from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.models import Model

from chalicelib.dynamo import Dynamo
from chalicelib.settings import Settings

_M = TypeVar("_M", bound=Model)


def create_tables(settings: Settings) -> tuple[str, ...]:
    """Make every table of the project that does not exist yet; the names of all of them.

    Idempotent: a table that exists is left as it is.
    """
    dynamo = Dynamo(settings)
    bound = tuple(create_table(dynamo, model) for model in _models())
    return tuple(str(model.Meta.table_name) for model in bound)


def create_table(dynamo: Dynamo, model: type[_M]) -> type[_M]:
    """``model`` bound by ``dynamo``, with its table made unless it exists."""
    bound = dynamo.bind(model)
    if not bound.exists():
        bound.create_table(billing_mode=PAY_PER_REQUEST_BILLING_MODE, wait=True)
    return bound


def stream_arn(dynamo: Dynamo, model: type[Model]) -> str:
    """The ARN of the stream of ``model``'s table; empty when it has none."""
    description = dynamo.bind(model).describe_table()
    return str(description.get("LatestStreamArn", ""))


def _models() -> Iterable[type[Model]]:
    # Late, so that a test can make one table without the whole project.
    models: tuple[type[Model], ...] = import_module("chalicelib.tables").MODELS
    return models
