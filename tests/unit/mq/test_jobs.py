from __future__ import annotations

import subprocess
import sys

from chalice.app import Chalice, DynamoDBEventConfig, ScheduledEventConfig

from chalicelib.mq.jobs import messages
from infra.local.processes.children import ROOT

_HEAVY = ("pika", "pynamodb", "boto3", "requests", "alipay", "wechatpayv3", "qrcode")


def test_the_stream_function_takes_whole_batches_from_the_beginning() -> None:
    app = Chalice("test")
    app.register_blueprint(messages)
    (config,) = [c for c in app.event_sources if isinstance(c, DynamoDBEventConfig)]
    assert config.name == "publish_outbox"
    assert config.batch_size == 100
    assert config.starting_position == "TRIM_HORIZON"


def test_the_sweeper_runs_each_minute() -> None:
    app = Chalice("test")
    app.register_blueprint(messages)
    scheduled = {
        c.name: c.schedule_expression
        for c in app.event_sources
        if isinstance(c, ScheduledEventConfig)
    }
    assert scheduled["sweep_outbox"] == "rate(1 minute)"


def test_importing_the_jobs_loads_no_client_library() -> None:
    code = f"import sys, chalicelib.mq.jobs; print([m for m in {_HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
