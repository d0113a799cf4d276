"""The study materials' ports in memory; tests/contract/resources holds them to the real ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from chalicelib.errors import StaleWrite, Unavailable
from chalicelib.resources.model import ChooseMaterial, Material, OwnedMaterial
from chalicelib.resources.ports import MaterialPage, ResourcesChange
from chalicelib.selling.codes import ChooseStatus, PublishStatus, is_plain_id
from chalicelib.selling.page_tokens import place_of, token_after

Pair = tuple[str, str]


class FakeResourcesStore:
    """Implements `chalicelib.resources.ports.ResourcesStore`.

    ``commits`` are the changes that were written, one per transaction.
    """

    def __init__(self) -> None:
        self.commits: list[ResourcesChange] = []
        self._materials: dict[str, Material] = {}
        self._records: dict[str, ChooseMaterial] = {}
        self._owned: dict[Pair, OwnedMaterial] = {}
        self._pending: dict[Pair, str] = {}
        self._write_ids: dict[str, str] = {}
        self._lock = threading.Lock()
        self._before_commit: list[Callable[[], object]] = []
        self._lose_answers = 0

    # what a test arranges

    def before_next_commit(self, competing: Callable[[], object]) -> None:
        """Let somebody else be faster: runs between the next decision and its write."""
        self._before_commit.append(competing)

    def lose_next_answer(self) -> None:
        """The next commit is written, but its writer hears nothing."""
        self._lose_answers += 1

    @property
    def records(self) -> tuple[ChooseMaterial, ...]:
        """All choose-material records, oldest first."""
        return tuple(self._records.values())

    # the port

    def material(self, material_id: str) -> Material | None:
        return self._materials.get(material_id)

    def materials(self, material_ids: Collection[str]) -> Mapping[str, Material]:
        return {each: self._materials[each] for each in material_ids if each in self._materials}

    def published(self, *, size: int, page_token: str | None) -> MaterialPage:
        after = "" if page_token is None else place_of(page_token)
        found = [
            material
            for material_id, material in sorted(self._materials.items())
            if material_id > after and material.publish_status is PublishStatus.PUBLISHED
        ]
        more = len(found) > size
        return MaterialPage(
            materials=tuple(found[:size]),
            next_token=token_after(found[size - 1].material_id) if more else None,
        )

    def put_material(self, material: Material) -> None:
        self._materials[material.material_id] = material

    def choose_material(self, choose_material_id: str) -> ChooseMaterial | None:
        return self._records.get(choose_material_id) if is_plain_id(choose_material_id) else None

    def pending(self, user_id: str, material_id: str) -> ChooseMaterial | None:
        with self._lock:
            record_id = self._pending.get((user_id, material_id))
            record = self._records[record_id] if record_id is not None else None
        awaits = record is not None and record.status is ChooseStatus.AWAITING_PAYMENT
        return record if awaits else None

    def owned(self, user_id: str, material_id: str) -> OwnedMaterial | None:
        return self._owned.get((user_id, material_id))

    def all_owned(self, user_id: str) -> tuple[OwnedMaterial, ...]:
        return tuple(owned for (user, _), owned in self._owned.items() if user == user_id)

    def owned_of(self, user_id: str, material_ids: Collection[str]) -> Mapping[str, OwnedMaterial]:
        found = ((each, self.owned(user_id, each)) for each in material_ids)
        return {material_id: owned for material_id, owned in found if owned is not None}

    def commit(self, change: ResourcesChange) -> None:
        if self._before_commit:
            self._before_commit.pop(0)()
        with self._lock:
            if self._holds(change):
                self._write(change)
            elif self._write_ids.get(change.choose_material.choose_material_id) != change.write_id:
                raise StaleWrite
        if self._lose_answers:
            self._lose_answers -= 1
            raise Unavailable

    def _holds(self, change: ResourcesChange) -> bool:
        record, owned = change.choose_material, change.owned
        have = self._records.get(record.choose_material_id)
        if record.version != (have.version if have else 0):
            return False
        pair = (record.user_id, record.material_id)
        if change.open_pending and pair in self._pending:
            return False
        if owned is not None:
            return owned.version == self._owned_version((owned.user_id, owned.material_id))
        return change.while_owned_version in (None, self._owned_version(pair))

    def _owned_version(self, pair: Pair) -> int:
        owned = self._owned.get(pair)
        return owned.version if owned else 0

    def _write(self, change: ResourcesChange) -> None:
        record, owned = change.choose_material, change.owned
        pair = (record.user_id, record.material_id)
        self._records[record.choose_material_id] = replace(record, version=record.version + 1)
        self._write_ids[record.choose_material_id] = change.write_id
        if change.open_pending:
            self._pending[pair] = record.choose_material_id
        if change.close_pending and self._pending.get(pair) == record.choose_material_id:
            del self._pending[pair]
        if owned is not None:
            pair = (owned.user_id, owned.material_id)
            self._owned[pair] = replace(owned, version=owned.version + 1)
        self.commits.append(change)


class FakeMaterialFiles:
    """Implements `chalicelib.resources.ports.MaterialFiles`.

    ``files`` has content and media type by key, ``links`` every link that was handed out.
    """

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.links: list[str] = []

    def put(self, key: str, content: bytes, media_type: str) -> None:
        self.files[key] = (content, media_type)

    def link(self, key: str, *, file_name: str, media_type: str, valid_for: timedelta) -> str:
        seconds = int(valid_for.total_seconds())
        told = urlencode({"name": file_name, "type": media_type, "seconds": seconds})
        self.links.append(f"https://files.test/{key}?{told}")
        return self.links[-1]
