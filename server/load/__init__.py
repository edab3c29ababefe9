"""Light participants, to load a server with."""
