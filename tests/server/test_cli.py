"""The commands beside `serve`, as they are typed."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.claims import held_data
from server.cli import cli
from server.config import Settings
from server.storage import Storage
from server.storage.users import User

PASSWORD = "Mat-khau-dai-2026"


def diemcau(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, input=f"{PASSWORD}\n", env={"DIEMCAU_DATA": str(data)})


async def account(data: Path, username: str) -> User | None:
    storage = await Storage.open(Settings(data=data))
    try:
        return await storage.users.by_username(username)
    finally:
        await storage.close()


def test_an_account_is_raised_and_not_lowered_beside_a_running_server(tmp_path: Path) -> None:
    with held_data(tmp_path):
        for arguments, is_admin in ((), False), (("--admin",), True), ((), True):
            assert diemcau(tmp_path, "user", "lan", *arguments).exit_code == 0
            found = asyncio.run(account(tmp_path, "lan"))
            assert found is not None
            assert found.is_admin is is_admin
        assert diemcau(tmp_path, "check").exit_code == 0


@pytest.mark.parametrize("command", [("serve",), ("check",), ("user", "lan")])
def test_data_that_cannot_be_kept_is_told_in_one_sentence(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    refused = diemcau(tmp_path / "file" / "data", *command)
    assert refused.exit_code == 2
    assert refused.stderr == f"diemcau: DIEMCAU_DATA cannot be used: {tmp_path}/file/data Not a directory.\n"
