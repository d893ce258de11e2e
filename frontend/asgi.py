"""What `streamlit run` serves: the app, for known hosts only."""

import streamlit as st
from starlette.middleware import Middleware

from frontend import settings
from frontend.hosts import KnownHosts

app = st.App("app.py", middleware=[Middleware(KnownHosts, allowed=settings.load().allowed_hosts)])
