"""Identity of the caller."""

from fastapi import APIRouter
from pydantic import BaseModel

from backend.core.access import Viewer
from backend.core.keys import ROLES
from backend.core.responses import problems

router = APIRouter(tags=["me"])


class MeOut(BaseModel):
    """Identity of the caller; without keys, `local` with every role."""

    name: str
    role: str
    roles: list[str]


@router.get("/me", responses=problems())
async def me(access: Viewer) -> MeOut:
    """The name and role of the key, and all roles that it includes."""
    key = access.identity
    return MeOut(name=key.name, role=key.role, roles=[role for role in ROLES if key.may(role)])
