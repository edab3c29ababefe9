"""`python -m server.load`: one process of a load, which `server.load.run` starts."""

import asyncio

from server.load.crew import serve

if __name__ == "__main__":
    asyncio.run(serve())
