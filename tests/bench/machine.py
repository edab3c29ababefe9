"""What the figures were measured on."""

import os
import platform
import re
import ssl
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("aiortc", "pylibsrtp", "cryptography")


def cores() -> tuple[int, list[int]]:
    """The forwarding process's core, and the others for everything else; where there is one, both."""
    first, *others = sorted(os.sched_getaffinity(0))
    return first, others or [first]


def described() -> str:
    """One sentence."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION.split(' (')[0]}, {packages}"
    )


def load_average() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]
