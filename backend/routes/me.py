"""Whose key a request has."""

from typing import Any

from fastapi import APIRouter, Request

from backend.core.keys import ROLES
from backend.core.rate import key_of
from backend.core.responses import problems
from backend.core.schemas import MeOut

router = APIRouter(tags=["me"])


@router.get("/me", response_model=MeOut, responses=problems())
async def me(request: Request) -> dict[str, Any]:
    """The name and role of the key, and all roles that it includes."""
    key = key_of(request.scope)
    return {"name": key.name, "role": key.role, "roles": [role for role in ROLES if key.may(role)]}
