"""Why a load could not be put on a server."""


class LoadError(Exception):
    """Something outside this tool prevents the load; `code` is the server's where it has one."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{sentence} ({code})")
        self.code = code
        self.sentence = sentence
