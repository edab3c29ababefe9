"""The one-time link by which the first administrator chooses a password."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select

from server.storage import tables
from server.storage.database import Database
from server.storage.tokens import new_token, token_hash
from server.storage.users import User, insert_user


class SetupLinks:
    """At most one link is good at any time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def renew(self, expires_at: datetime) -> str:
        """Return the token of a new link; earlier ones stop working."""
        token = new_token()
        async with self._database.write() as connection:
            await connection.execute(delete(tables.setup_links))
            row = {"token_hash": token_hash(token), "expires_at": expires_at}
            await connection.execute(insert(tables.setup_links).values(row))
        return token

    async def is_valid(self, token: str, now: datetime) -> bool:
        """Whether the link would work now; costs nothing, unlike hashing a password first."""
        table = tables.setup_links
        query = select(table.c.expires_at).where(
            table.c.token_hash == token_hash(token), table.c.expires_at > now
        )
        async with self._database.read() as connection:
            return (await connection.execute(query)).first() is not None

    async def use(self, token: str, administrator: User, now: datetime) -> bool:
        """Use the link up and add the first account, in one transaction; False when it is no longer good.

        Two people who open one link at once make one account, not two.
        """
        table = tables.setup_links
        async with self._database.write() as connection:
            condition = (table.c.token_hash == token_hash(token)) & (table.c.expires_at > now)
            used = (await connection.execute(delete(table).where(condition))).rowcount
            known = (await connection.execute(select(func.count()).select_from(tables.users))).scalar_one()
            if not used or known:
                return False
            await insert_user(connection, administrator)
        return True
