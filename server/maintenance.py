"""What an administrator does from the command line, without the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.archive import RecordingFolders
from server.auth import Auth, check_password
from server.config import Settings
from server.integrity import problems
from server.storage import Storage


async def set_password(settings: Settings, username: str, password: str, *, admin: bool) -> str:
    """Add an account, or change its password, end its sessions and unlock it; return what was done.

    `admin` also raises an account that is there already; without it an administrator stays one.
    Raises PasswordTooShort, PasswordTooLong.
    """
    check_password(password)
    async with _storage(settings) as storage:
        auth = Auth(storage, settings)
        try:
            user = await storage.users.by_username(username)
            if user is None:
                await auth.add_user(username, password, is_admin=admin)
                return f"Đã thêm tài khoản / added account: {username}"
            await auth.set_password(user.user_id, password)
            if admin:
                await storage.users.make_administrator(user.user_id)
            await storage.users.forget_failures(username)
            return f"Đã đổi mật khẩu / changed the password of: {username}"
        finally:
            auth.close()


async def check_all(settings: Settings) -> list[str]:
    """Verify every log and every recorded file; return one line for each that is not as it was stored."""
    async with _storage(settings) as storage:
        return await problems(storage, RecordingFolders(settings.data))


@asynccontextmanager
async def _storage(settings: Settings) -> AsyncIterator[Storage]:
    storage = await Storage.open(settings)
    try:
        yield storage
    finally:
        await storage.close()
