"""Whether the service is being stopped."""


class Shutdown:
    """Once it has begun, running work may finish and nothing new is started."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        self.begun = True
