"""How a command speaks to its operator."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]
"""Says a line to the operator."""
