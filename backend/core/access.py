"""Access control: identity, role and workspace of a request. Every route depends on it exactly once."""

import re
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.datastructures import State

from backend.core.catalog import Catalog, WorkspaceReader, unknown
from backend.core.errors import Problem
from backend.core.keys import ANONYMOUS, Key, Role
from backend.core.queries import WORKSPACE_NAME
from backend.core.rate import key_of

_NAME = re.compile(WORKSPACE_NAME)


class Access:
    """What the holder of `identity` may see. The workspace named in the request has been checked and logged."""

    __slots__ = ("_state", "_workspace", "catalog", "identity")

    def __init__(self, identity: Key, catalog: Catalog, state: State) -> None:
        self.identity, self.catalog = identity, catalog
        self._state = state
        self._workspace: WorkspaceReader | None = None

    @property
    def workspace(self) -> WorkspaceReader:
        """The workspace that the request names. LookupError on a route that names none."""
        if self._workspace is None:
            raise LookupError("the request names no workspace")
        return self._workspace

    @property
    def names_workspace(self) -> bool:
        """Whether the request names a workspace, for routes where that is optional."""
        return self._workspace is not None

    def requires(self, role: Role) -> None:
        """Problem 403 unless the caller has `role`, for what only some values of a parameter need."""
        _require(self.identity, role)

    def workspaces(self) -> frozenset[str]:
        """The workspaces that the caller may know about: for now, all that are configured."""
        return self.catalog.workspaces()

    def enter(self, name: str) -> WorkspaceReader:
        """Make `name` the workspace of the request, and log it. Problem 404 if the caller may not know about it."""
        if name not in self.workspaces():
            raise unknown(name)
        self._state.workspace = name
        self._workspace = WorkspaceReader(self.catalog, name)
        return self._workspace


class Requires:
    """Dependency that checks identity, then role, then workspace; Problem 401, 403 or 404.

    `role` None admits requests without a key, for which no workspace exists. With `may_be_new` the route may name a
    workspace that does not exist yet.
    """

    def __init__(self, role: Role | None, *, may_be_new: bool = False) -> None:
        self.role, self.may_be_new = role, may_be_new

    async def __call__(self, request: Request) -> Access:
        access = Access(self._identity(request), request.app.state.services[Catalog], request.state)
        name = await _named_workspace(request) if self.role is not None else None
        if name is not None and not (self.may_be_new and name not in access.workspaces()):
            access.enter(name)
        return access

    def _identity(self, request: Request) -> Key:
        key = key_of(request.scope)
        if self.role is None:
            return key or ANONYMOUS
        if key is None:
            raise Problem(401, "Send a valid API key.")
        _require(key, self.role)
        return key


Anyone = Annotated[Access, Depends(Requires(None))]
Viewer = Annotated[Access, Depends(Requires("viewer"))]
Analyst = Annotated[Access, Depends(Requires("analyst"))]
Admin = Annotated[Access, Depends(Requires("admin"))]
Creator = Annotated[Access, Depends(Requires("analyst", may_be_new=True))]


def _require(key: Key, role: Role) -> None:
    if not key.may(role):
        raise Problem(403, f"This needs the role {role}; the key has the role {key.role}.")


async def _named_workspace(request: Request) -> str | None:
    """The workspace that a request names in its path, its JSON body or its query, whichever the route uses.

    None if it is missing or malformed: the route's own validation then answers 422.
    """
    name: Any
    if "workspace" in request.path_params:
        name = request.path_params["workspace"]
    elif _is_in_body(request.scope["route"]):
        name = await _of_body(request)
    else:
        name = request.query_params.get("workspace")
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None


def _is_in_body(route: Any) -> bool:
    body = getattr(route, "body_field", None)
    model = body.field_info.annotation if body is not None else None
    return isinstance(model, type) and issubclass(model, BaseModel) and "workspace" in model.model_fields


async def _of_body(request: Request) -> Any:
    """`workspace` from the body, which the framework has already read and parsed."""
    try:
        body = await request.json()
    except ValueError:  # no JSON
        return None
    return body.get("workspace") if isinstance(body, dict) else None
