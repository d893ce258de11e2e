"""ASGI app for `streamlit run`: the web app, restricted to known hosts."""

import streamlit as st
from starlette.middleware import Middleware

from frontend.core import settings
from frontend.core.hosts import KnownHosts

app = st.App("app.py", middleware=[Middleware(KnownHosts, allowed=settings.load().allowed_hosts)])
