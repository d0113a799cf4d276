"""The tables of the deployment as they are, whatever the models make of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pynamodb.models import Model

Row = dict[str, Any]
Snapshot = Mapping[str, Mapping[str, Row]]

NOT_COMPARED = frozenset({"notify-log", "worker-leases", "used-once"})
_DELETES_A_REQUEST = 25


class Tables:
    """All tables, by the names that the models declare."""

    def __init__(self, tables: Mapping[str, type[Model]]) -> None:
        self._tables = tables

    def rows(self, name: str) -> list[Row]:
        """All items of one table, by consistent reads."""
        scan = partial(self._tables[name]._get_connection().scan, consistent_read=True)
        page = scan()
        rows = list(page["Items"])
        while "LastEvaluatedKey" in page:
            page = scan(exclusive_start_key=page["LastEvaluatedKey"])
            rows += page["Items"]
        return rows

    def snapshot(self) -> Snapshot:
        """Every item of every table that bad input must leave alone."""
        return {
            name: {"/".join(str(row[key]) for key in _keys(table)): row for row in self.rows(name)}
            for name, table in self._tables.items()
            if name not in NOT_COMPARED
        }

    def empty(self) -> None:
        """Throw away everything but leases, so that looking at everything stays quick."""
        for name in self._tables.keys() - {"worker-leases"}:
            table = self._tables[name]
            keys = [{key: row[key] for key in _keys(table)} for row in self.rows(name)]
            for start in range(0, len(keys), _DELETES_A_REQUEST):
                some = keys[start : start + _DELETES_A_REQUEST]
                deletes = [{"DeleteRequest": {"Key": key}} for key in some]
                connection = table._get_connection()
                connection.connection.client.batch_write_item(
                    RequestItems={connection.table_name: deletes}
                )

    def delete(self) -> None:
        for table in self._tables.values():
            table.delete_table()


def _keys(table: type[Model]) -> tuple[str, ...]:
    return tuple(key for key in (table._hash_keyname, table._range_keyname) if key is not None)
