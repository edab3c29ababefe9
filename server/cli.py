"""The `diemcau` command."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from server.config import EXIT_WRONG_SETTING, Settings, SettingsError, load

cli = typer.Typer(
    help="Diemcau: online meetings for state bodies. Settings come from DIEMCAU_… and diemcau.toml; see the README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the installed command."""
    cli()


@contextlib.contextmanager
def _settings() -> Iterator[Settings]:
    """The settings; what is wrong with them, found now or later, ends the command with its sentence."""
    from server.storage.errors import SchemaTooNew

    try:
        yield load()
    except (SettingsError, SchemaTooNew) as error:
        print(f"diemcau: {error}", file=sys.stderr)
        raise typer.Exit(EXIT_WRONG_SETTING) from None


@cli.command()
def serve() -> None:
    """Run everything on this machine: the server, its media workers and the recorder."""
    from server.serve import run

    with _settings() as settings:
        asyncio.run(run(settings))


@cli.command()
def user(
    username: Annotated[str, typer.Argument(help="Sign-in name.")],
    admin: Annotated[
        bool, typer.Option("--admin", help="May manage every meeting, from now on if the account exists.")
    ] = False,
) -> None:
    """Add an account, or set the password of one and unlock it. Asks for it, or reads standard input."""
    from server.auth import AuthError
    from server.maintenance import set_password

    password = typer.prompt("Mật khẩu / password", hide_input=sys.stdin.isatty())
    try:
        with _settings() as settings:
            print(asyncio.run(set_password(settings, username, password, admin=admin)))
    except AuthError as error:
        print(f"diemcau: {error.code}", file=sys.stderr)
        raise typer.Exit(1) from None


@cli.command()
def check() -> None:
    """Verify the hash chain of every meeting and the hash of every recorded file; exit 1 if one differs."""
    from server.maintenance import check_all

    with _settings() as settings:
        problems = asyncio.run(check_all(settings))
    for problem in problems:
        print(problem)
    if not problems:
        print("Toàn vẹn / everything is as it was stored")
    raise typer.Exit(1 if problems else 0)
