"""What an administrator does from the command line, without the server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rooms.errors import LogError
from rooms.log import verify
from server.archive import RecordingFolders
from server.auth import Auth, check_password
from server.config import Settings
from server.storage import Storage
from server.storage.recordings import RecordingFile


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
        problems = [problem async for problem in _broken_logs(storage)]
        folders = RecordingFolders(settings.data)
        return problems + [problem async for problem in _changed_files(storage, folders)]


async def _broken_logs(storage: Storage) -> AsyncIterator[str]:
    for meeting_id in await storage.meetings.ids():
        try:
            verify(await storage.events.read(meeting_id))
        except LogError as error:
            yield f"meeting {meeting_id}: {error}"


async def _changed_files(storage: Storage, folders: RecordingFolders) -> AsyncIterator[str]:
    for file in await storage.recordings.all_files():
        if problem := _difference(file, folders):
            yield f"recording {file.recording_id}, {file.name}: {problem}"


def _difference(file: RecordingFile, folders: RecordingFolders) -> str | None:
    try:
        with folders.file_path(file.recording_id, file.name).open("rb") as stored:
            digest = hashlib.file_digest(stored, "sha256").hexdigest()
    except OSError as error:
        return error.strerror or str(error)
    return None if digest == file.sha256 else "Tệp bị thay đổi sau khi lưu / differs from its stored hash"


@asynccontextmanager
async def _storage(settings: Settings) -> AsyncIterator[Storage]:
    storage = await Storage.open(settings)
    try:
        yield storage
    finally:
        await storage.close()
