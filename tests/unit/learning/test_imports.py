"""Every Lambda function imports the routes and jobs, so that must stay cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pynamodb", "boto3", "pika", "alipay", "qrcode", "requests")


@pytest.mark.parametrize("module", ["learning.api", "learning.jobs", "selling.subscriber"])
def test_a_module_of_every_function_loads_no_heavy_part(module):
    code = (
        f"import sys, chalicelib.{module};"
        f" print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert loaded.stdout.split() == []
