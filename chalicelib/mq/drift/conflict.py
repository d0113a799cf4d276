"""Something is there under the name of what should be there, but is another thing."""

from __future__ import annotations

from dataclasses import dataclass

RUNBOOK = "docs/operations.md"
DRIFT = f'"Topology drift" in {RUNBOOK}'
MIGRATION = f'"Queue migration" in {RUNBOOK}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One property that differs.

    ``there`` and ``wanted`` are as a person reads them; ``todo`` names the runbook.
    """

    name: str
    aspect: str
    there: str
    wanted: str
    todo: str

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.aspect} is {self.there} and should be {self.wanted};"
            f" see {self.todo}"
        )
