"""Shutdown flag of the service."""


class Shutdown:
    """Once shutdown has started, running work may finish, but no new work starts."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        self.begun = True
