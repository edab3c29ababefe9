"""Time that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A wall clock, callable as the server's is."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Move on by `days=`, `hours=`, `minutes=` or `seconds=`."""
        self.now += timedelta(**duration)
