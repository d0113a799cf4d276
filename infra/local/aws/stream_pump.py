"""Feeds the stream functions of the app, as Lambda's event source mapping does on AWS.

    python -m infra.local.aws.stream_pump

For every ``on_dynamodb_record`` of the app it delivers the stream that the app names there, with
the batch size and window given there, and otherwise as `infra.stream_mapping` has it for the
deployment too: from the trim horizon, inserts only, partial answers, three retries, records that
are no older than ``OUTBOX_STREAM_OWNS_SECONDS``.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from chalice.app import Chalice, DynamoDBEventConfig

from chalicelib.settings import Settings, settings
from infra.local.aws.checkpoints import Checkpoints, FileCheckpoints, MemoryCheckpoints
from infra.local.aws.event_source_mapping import EventSourceMapping
from infra.local.aws.lambda_runtime import (
    PROJECT_APP,
    LocalFunction,
    load_app,
    log_to_stdout,
    stop_on_signals,
)
from infra.local.aws.stream_source import DynamoStream
from infra.stream_mapping import outbox_mapping

_POLL_SECONDS = 0.2
_TROUBLE_SECONDS = 1
_FUNCTION_SECONDS = 60
_log = logging.getLogger("infra.local.aws.stream_pump")


def stream_functions(app: Chalice) -> tuple[DynamoDBEventConfig, ...]:
    """The functions of the app that are fed by a DynamoDB stream."""
    return tuple(e for e in app.event_sources if isinstance(e, DynamoDBEventConfig))


def mapping_of(
    app: Chalice, source: DynamoDBEventConfig, at: Settings, checkpoint_dir: Path | None
) -> EventSourceMapping:
    """The mapping between one stream and its function.

    Without ``checkpoint_dir`` a restart delivers the whole stream again.

    Raises
    ------
    ValueError
        The app names another starting position than the trim horizon.
    """
    if source.starting_position != "TRIM_HORIZON":
        raise ValueError(f"{source.name}: starts at {source.starting_position}, not TRIM_HORIZON")
    checkpoints: Checkpoints = MemoryCheckpoints()
    if checkpoint_dir is not None:
        checkpoints = FileCheckpoints(checkpoint_dir, source.stream_arn)
    return EventSourceMapping(
        DynamoStream.connect(source.stream_arn, at.aws_region, at.dynamodb_endpoint_url),
        LocalFunction(source.name, app.handler_map[source.name], _FUNCTION_SECONDS),
        checkpoints,
        outbox_mapping(
            at,
            batch_size=source.batch_size,
            maximum_batching_window_in_seconds=source.maximum_batching_window_in_seconds,
        ),
    )


def pump(mappings: Iterable[EventSourceMapping], stopping: threading.Event) -> None:
    """Deliver until ``stopping`` is set; a running batch is finished first.

    An engine that does not answer is asked again: the positions are where they were.
    """
    mappings = tuple(mappings)
    announced = False
    while not stopping.is_set():
        turns = [_turn(mapping) for mapping in mappings]
        if None in turns:
            stopping.wait(_TROUBLE_SECONDS)
            continue
        if not announced:
            print("ready", flush=True)
            announced = True
        if not any(turns):
            stopping.wait(_POLL_SECONDS)


def _turn(mapping: EventSourceMapping) -> int | None:
    try:
        return mapping.turn()
    # An engine that dies while it answers leaves half a document, which is a parser error.
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        _log.warning("the stream cannot be read: %r", error)
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.aws.stream_pump")
    parser.add_argument("--app", default=PROJECT_APP, help="the Chalice app, as module:attribute")
    parser.add_argument(
        "--checkpoint-dir",
        type=Path,
        default=os.environ.get("PUMP_CHECKPOINT_DIR") or None,
        help="where positions are kept over a restart (PUMP_CHECKPOINT_DIR)",
    )
    chosen = parser.parse_args(arguments)
    log_to_stdout()
    stopping = stop_on_signals()
    app = load_app(chosen.app)
    sources = stream_functions(app)
    if not sources:
        parser.error(f"{chosen.app} has no function that a DynamoDB stream feeds")
    pump((mapping_of(app, s, settings(), chosen.checkpoint_dir) for s in sources), stopping)
    return 0


if __name__ == "__main__":
    sys.exit(main())
