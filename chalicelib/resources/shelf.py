"""The shelf: what materials there are, and which of them are mine. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.paging import DEFAULT_PAGE_SIZE, page_number, page_size
from chalicelib.resources.model import Material, MaterialGrant
from chalicelib.resources.ports import ResourcesStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfQuery:
    """Which published materials to show; no ``page_token`` shows the first."""

    size: int = DEFAULT_PAGE_SIZE
    page_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MineQuery:
    """Which of a user's own materials to show."""

    page: int = 1
    size: int = DEFAULT_PAGE_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class OnShelf:
    """A published material, and whether the caller has it already."""

    material: Material
    owned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfPage:
    """Some published materials; ``next_token`` leads on, None at the end."""

    items: tuple[OnShelf, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """A material that the caller has, and the grant that opened it."""

    material: Material
    grant: MaterialGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class MinePage:
    """One page; ``counts`` is the number of materials on all pages."""

    items: tuple[Mine, ...]
    counts: int
    page: int
    page_size: int


def parse_shelf_query(params: Mapping[str, str]) -> ShelfQuery:
    """Read the query of the shelf; an absent or empty parameter has its default.

    Raises
    ------
    InvalidRequest
        The size is out of range.
    """
    return ShelfQuery(size=page_size(params), page_token=params.get("pageToken") or None)


def parse_mine_query(params: Mapping[str, str]) -> MineQuery:
    """Read the query of my materials; an absent or empty parameter has its default.

    Raises
    ------
    InvalidRequest
        A value is out of range; the message names the parameter.
    """
    return MineQuery(page=page_number(params), size=page_size(params))


class MaterialShelf:
    """Shows materials to a user."""

    def __init__(self, store: ResourcesStore) -> None:
        self._store = store

    def page(self, user_id: str, query: ShelfQuery) -> ShelfPage:
        """Some published materials, by id; a change of the catalogue may show a moment late.

        Raises
        ------
        InvalidRequest
            The page token is none.
        """
        found = self._store.published(size=query.size, page_token=query.page_token)
        owned = self._store.owned_of(user_id, [m.material_id for m in found.materials])
        mine = {material_id for material_id, row in owned.items() if row.opening is not None}
        return ShelfPage(
            items=tuple(
                OnShelf(material=material, owned=material.material_id in mine)
                for material in found.materials
            ),
            next_token=found.next_token,
        )

    def mine(self, user_id: str, query: MineQuery) -> MinePage:
        """What the user can download, paid last first; offline materials are among them.

        A material that the catalogue has no more is counted, and cannot be shown.
        """
        grants = dict(sorted(self._live_grants(user_id), key=_newest, reverse=True))
        first = (query.page - 1) * query.size
        shown = tuple(grants)[first : first + query.size]
        materials = self._store.materials(shown)
        return MinePage(
            items=tuple(
                Mine(material=materials[material_id], grant=grants[material_id])
                for material_id in shown
                if material_id in materials
            ),
            counts=len(grants),
            page=query.page,
            page_size=query.size,
        )

    def _live_grants(self, user_id: str) -> Iterator[tuple[str, MaterialGrant]]:
        for owned in self._store.all_owned(user_id):
            if owned.opening is not None:
                yield owned.material_id, owned.opening


def _newest(granted: tuple[str, MaterialGrant]) -> tuple[datetime, str]:
    material_id, grant = granted
    return grant.paid_at, material_id
