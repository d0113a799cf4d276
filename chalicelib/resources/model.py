"""Study materials, the records of those that were chosen, and what a user owns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.money import Fen
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus, moved


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialFile:
    """Where the content of a material lies, and what a browser is told of it.

    ``key`` is the S3 object; ``name`` is what the download is called; ``sha256`` is in hex.
    """

    key: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A catalogue entry (学习资料). A missing price or charge is None, never a guess."""

    material_id: str
    company_id: str
    name: str
    charge: Charge | None
    price_fen: Fen | None
    publish_status: PublishStatus
    file: MaterialFile


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialGrant:
    """One purchase's right to download. It says by itself what was bought."""

    choose_material_id: str
    paid_at: datetime
    choose_type: ChooseType
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseMaterial:
    """A user's wish to have a material (选购记录). ``version`` is 0 until it is stored.

    ``paid_at`` is when it was paid, for a free material when it was chosen; None until its payment
    was heard, also when its refund was heard first. The price is that of the last choice; an
    order freezes its own.
    """

    choose_material_id: str
    user_id: str
    material_id: str
    material_name: str
    company_id: str
    choose_type: ChooseType
    price_fen: Fen
    status: ChooseStatus
    created_at: datetime
    paid_at: datetime | None = None
    version: int = 0

    def chosen(self, paid_at: datetime) -> ChooseMaterial:
        """This record once it is paid for.

        Raises
        ------
        UndeclaredMove
            It is refunded, and stays so: `paid_after_refund`.
        """
        return replace(self._moved(ChooseStatus.CHOSEN), paid_at=paid_at)

    def refunded(self) -> ChooseMaterial:
        """This record once its money is back; the last state that it has."""
        return self._moved(ChooseStatus.REFUNDED)

    def paid_after_refund(self, paid_at: datetime) -> ChooseMaterial:
        """This refunded record with the payment noted that was heard late; it stays refunded."""
        assert self.status is ChooseStatus.REFUNDED, "else its payment chooses it"
        return replace(self, paid_at=paid_at)

    def grant(self) -> MaterialGrant:
        """What a record that was paid for gives its user; revoked once it is refunded."""
        assert self.paid_at is not None, "a record that was not paid for grants nothing"
        return MaterialGrant(
            choose_material_id=self.choose_material_id,
            paid_at=self.paid_at,
            choose_type=self.choose_type,
            revoked=self.status is ChooseStatus.REFUNDED,
        )

    def _moved(self, to: ChooseStatus) -> ChooseMaterial:
        return replace(self, status=moved(self.choose_material_id, self.status, to))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedMaterial:
    """What a user has of one material: the grants that open it.

    Whether it is owned follows from the live grants alone, so messages may come in any order and
    any number.
    """

    user_id: str
    material_id: str
    grants: tuple[MaterialGrant, ...] = ()
    version: int = 0

    def with_grant(self, grant: MaterialGrant) -> OwnedMaterial:
        """This with one more grant; a grant that is already there, revoked or not, stays."""
        if self.has_grant(grant.choose_material_id):
            return self
        return replace(self, grants=tuple(sorted((*self.grants, grant), key=_by_payment)))

    def with_revoked(self, choose_material_id: str) -> OwnedMaterial:
        """This without what one record opens; the grants of other records stay."""
        return replace(
            self,
            grants=tuple(
                replace(grant, revoked=True)
                if grant.choose_material_id == choose_material_id
                else grant
                for grant in self.grants
            ),
        )

    def has_grant(self, choose_material_id: str) -> bool:
        """Whether that record was ever granted here."""
        return any(grant.choose_material_id == choose_material_id for grant in self.grants)

    @property
    def opening(self) -> MaterialGrant | None:
        """The live grant that was paid first; None when the user owns nothing of it."""
        return next((grant for grant in self.grants if not grant.revoked), None)


def _by_payment(grant: MaterialGrant) -> tuple[datetime, str]:
    return grant.paid_at, grant.choose_material_id
