"""Makes the tables of the project in the local engine; on AWS a stack of resources does.

    python -m infra.local.services.tables --stream-arn-file FILE

They are made as the models declare them: keys, indexes, and the stream where a model has one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
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


def outbox_stream_arn(settings: Settings) -> str:
    """The ARN of the only stream of the project, the outbox's.

    Raises
    ------
    ValueError
        There is none, or there are several.
    """
    dynamo = Dynamo(settings)
    [arn] = filter(None, (stream_arn(dynamo, model) for model in _models()))
    return arn


def _models() -> Iterable[type[Model]]:
    # Late, so that a test can make one table without the whole project.
    models: tuple[type[Model], ...] = import_module("chalicelib.tables").MODELS
    return models


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the tables of the deployment that the environment describes."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.services.tables", description=__doc__
    )
    parser.add_argument("--stream-arn-file", type=Path, help="gets the ARN of the outbox's stream")
    chosen = parser.parse_args(arguments)
    settings = Settings.from_env(os.environ)
    for name in create_tables(settings):
        print(name)
    if chosen.stream_arn_file:
        chosen.stream_arn_file.write_text(outbox_stream_arn(settings), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
