"""How busy this machine is with other things: what a limit in seconds has to be stretched by."""

import time

_SAMPLE_S = 0.1


def slowness() -> float:
    """How much longer than its CPU time a computation takes now: 1 on a machine of our own."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < _SAMPLE_S:
        pass
    return max(1.0, (time.monotonic() - began) / _SAMPLE_S)
