"""What the app's key may do, so that a control which would be refused says so before it is used."""

import streamlit as st

from frontend.core import api, shell, words
from frontend.core.client import ApiDown, ApiError


def missing(role: str) -> words.Markdown | None:
    """Why a control is switched off: its action needs `role`, which the app's key does not have. None where it has."""
    roles = _roles()
    if roles is None or role in roles:
        return None
    return (
        f"This needs the role {words.literal(role)}; this app's key has the role {words.literal(roles[-1])}. "
        "Ask whoever runs the app."
    )


@st.cache_data(ttl=60, show_spinner=False)
def _roles() -> list[str] | None:
    """Roles of the key, the least first; None where the service does not say: it still refuses what the key may not do."""
    try:
        return list(api.me(shell.client())["roles"]) or None
    except (ApiDown, ApiError, KeyError):
        return None
