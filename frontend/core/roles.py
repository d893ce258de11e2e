"""Roles of the app's key, so that a control which would be refused says so before it is used."""

import streamlit as st

from frontend.core import api, shell, words
from frontend.core.client import ApiDown, ApiError


def missing(role: str) -> words.Markdown | None:
    """Why a control is disabled: its action needs `role`, which the app's key lacks. None if the key has it."""
    roles = _roles()
    if roles is None or role in roles:
        return None
    return (
        f"This needs the role {words.literal(role)}; this app's key has the role {words.literal(roles[-1])}. "
        "Ask whoever runs the app."
    )


@st.cache_data(ttl=60, show_spinner=False)
def _roles() -> list[str] | None:
    """Roles of the key, lowest first. None if unavailable: the service itself still refuses what the key may not do."""
    try:
        return list(api.me(shell.client())["roles"]) or None
    except (ApiDown, ApiError, KeyError):
        return None
