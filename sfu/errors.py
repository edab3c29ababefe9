"""What the media plane refuses, each with a stable `code` for programs and a sentence for people.

SfuError
├── ParseError    bytes from the network that are not what they claim; counted, told to nobody
├── SdpError      a session description we cannot accept: see the codes in `sfu.sdp`
└── PeerError     a request about a peer or a track that the node cannot serve
"""


class SfuError(Exception):
    """The root: whatever the media plane raises on purpose carries a `code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ParseError(SfuError):
    """A packet or message is malformed. It costs itself and nothing else."""

    def __init__(self, message: str) -> None:
        super().__init__("malformed", message)


class SdpError(SfuError):
    """A session description is refused; nothing of it was applied."""


class PeerError(SfuError):
    """A peer or track is unknown, taken, or over its limit."""
