"""What the functions counted, from the embedded metrics in their logs.

A process that is killed takes along what it had not written yet, so a sum is what was counted at
least. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MARK = '{"_aws"'


def counted(logs: Path) -> Counter[str]:
    """The sum of each counter over all logs in a folder."""
    sums: Counter[str] = Counter()
    for log in sorted(logs.glob("*.log")):
        for entry in _entries(log.read_text(encoding="utf-8", errors="replace")):
            for name in _names(entry):
                sums[name] += round(sum(_values(entry.get(name, 0))))
    return sums


def _entries(text: str) -> Iterator[dict[str, Any]]:
    """Every metrics object; two processes may have shared a line, a killed one may not end its."""
    decoder = json.JSONDecoder()
    at = text.find(_MARK)
    while at >= 0:
        try:
            entry, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + len(_MARK)
        else:
            yield entry
        at = text.find(_MARK, end)


def _names(entry: dict[str, Any]) -> Iterator[str]:
    for directive in entry["_aws"]["CloudWatchMetrics"]:
        yield from (metric["Name"] for metric in directive["Metrics"] if metric["Unit"] == "Count")


def _values(value: Any) -> list[float]:
    return [float(each) for each in value] if isinstance(value, list) else [float(value)]
