"""Pictures: pure functions from frames to figures."""
