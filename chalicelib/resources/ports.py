"""What the study materials need of the world; wiring chooses who provides it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from chalicelib.resources.model import ChooseMaterial, Material, OwnedMaterial


class Numbers(Protocol):
    """Mints choose-material numbers."""

    def next_number(self) -> str:
        """A number that no other container mints, as decimal text of at most 19 digits.

        Raises
        ------
        Unavailable
            No worker id can be leased now.
        """
        ...


class MaterialFiles(Protocol):
    """Keeps the contents of materials, privately."""

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Store a file; the same key again replaces it.

        Raises
        ------
        Unavailable
            The store did not answer; it may have the file, and repeating is safe.
        """
        ...

    def link(self, key: str, *, file_name: str, media_type: str, valid_for: timedelta) -> str:
        """A URL that downloads the file as an attachment for ``valid_for``. Asks nobody.

        Whoever has the URL can download: it belongs in one answer to one user, and in no log.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesChange:
    """What becomes true together, in one transaction.

    Record and owned row carry the version that was read: the write holds only while the stored
    version is still that one (0: not stored yet), and stores it plus one. ``open_pending`` takes
    the guard that allows one pending record per user and material, ``close_pending`` gives it back
    if it names that record. ``while_owned_version`` holds a decision to the owned row that it was
    made on: that of the record's user and material must still have that version (0: none).
    Repeating a change whose answer was lost is safe.
    """

    write_id: str
    choose_material: ChooseMaterial
    owned: OwnedMaterial | None = None
    open_pending: bool = False
    close_pending: bool = False
    while_owned_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialPage:
    """Some published materials, by id; ``next_token`` leads on, None at the end."""

    materials: tuple[Material, ...]
    next_token: str | None


class ResourcesStore(Protocol):
    """Keeps the catalogue, choose-material records and what users own.

    Reads are consistent, but for `published`. One that needs a row which cannot be read raises
    `UnreadableRow`; any may raise `Unavailable`.
    """

    def material(self, material_id: str) -> Material | None:
        """One catalogue entry; None also for a text that cannot be the id of one."""
        ...

    def materials(self, material_ids: Collection[str]) -> Mapping[str, Material]:
        """Catalogue entries by id; those that do not exist are left out."""
        ...

    def published(self, *, size: int, page_token: str | None) -> MaterialPage:
        """At most ``size`` published materials, by id; may lag behind by a moment.

        Raises
        ------
        InvalidRequest
            The token is none.
        """
        ...

    def put_material(self, material: Material) -> None:
        """Import one catalogue entry; an older one is replaced."""
        ...

    def choose_material(self, choose_material_id: str) -> ChooseMaterial | None:
        """One choose-material record; None also for a text that cannot be the id of one."""
        ...

    def pending(self, user_id: str, material_id: str) -> ChooseMaterial | None:
        """The one record of a user and a material that awaits payment."""
        ...

    def owned(self, user_id: str, material_id: str) -> OwnedMaterial | None:
        """What a user has of one material."""
        ...

    def all_owned(self, user_id: str) -> tuple[OwnedMaterial, ...]:
        """What a user has of all materials, also where every grant is revoked."""
        ...

    def owned_of(self, user_id: str, material_ids: Collection[str]) -> Mapping[str, OwnedMaterial]:
        """What a user has of these materials, by material id."""
        ...

    def commit(self, change: ResourcesChange) -> None:
        """Write a change.

        Raises
        ------
        StaleWrite
            A version moved on, or a pending record is there already: read again and decide
            again. Nothing was written.
        Unavailable
            The database did not answer; the change may have been written, and repeating is safe.
        """
        ...
