"""The only importer of Powertools: one logger and one metrics sink for every function."""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(service="course-payments", location="%(module)s:%(funcName)s:%(lineno)d")

_metrics = Metrics(namespace="CoursePayments", service="course-payments")


def count(name: str, value: int = 1) -> None:
    """Add to a counter; written as one embedded-metrics line right away."""
    _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    _metrics.flush_metrics()


def gauge(name: str, value: float) -> None:
    """Report how something stands now; written as `count` does, and read by its maximum."""
    _metrics.add_metric(name=name, unit=MetricUnit.NoUnit, value=value)
    _metrics.flush_metrics()
