"""An operator's folder with a catalogue of materials, and the stores that an import fills."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.ops.import_file import CatalogueError, ImportReport
from chalicelib.ops.materials import import_materials
from tests.fakes.resources import FakeMaterialFiles, FakeResourcesStore

CONTENT = "每一分钱现在在哪里\n".encode()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PREFIX = "materials/"


class Desk:
    """An operator's folder with one file in it, and the stores that an import fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "catalogue"
        self.store = FakeResourcesStore()
        self.files = FakeMaterialFiles()
        self.put("files/notes.md", CONTENT)

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self, *entries: object) -> ImportReport:
        text = json.dumps({"materials": entries}, ensure_ascii=False).encode()
        return self.load_text(text)

    def load_text(self, text: bytes) -> ImportReport:
        return import_materials(
            text, self.folder, store=self.store, files=self.files, key_prefix=PREFIX
        )

    def problems(self, *entries: object) -> tuple[str, ...]:
        """What an import says that stores nothing."""
        with pytest.raises(CatalogueError) as refused:
            self.load(*entries)
        assert self.files.files == {}
        assert self.store.material("7001") is None
        return refused.value.problems


def an_entry(**changes: Any) -> dict[str, Any]:
    entry = {
        "id": "7001",
        "companyId": "22",
        "name": "对账手册",
        "charge": "201001",
        "price": "9.90",
        "status": "203002",
        "file": "files/notes.md",
        "fileName": "对账手册.md",
        "mediaType": "text/markdown; charset=utf-8",
    }
    entry |= changes
    return {name: value for name, value in entry.items() if value is not ...}
