"""The `diemcau` command."""

from __future__ import annotations

import asyncio
import sys
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


def _settings() -> Settings:
    try:
        return load()
    except SettingsError as error:
        print(f"diemcau: {error}", file=sys.stderr)
        raise typer.Exit(EXIT_WRONG_SETTING) from None


@cli.command()
def serve() -> None:
    """Run everything on this machine: the server, its media workers and the recorder."""
    from server.serve import run

    raise typer.Exit(asyncio.run(run(_settings())))


@cli.command()
def user(
    username: Annotated[str, typer.Argument(help="Sign-in name.")],
    admin: Annotated[bool, typer.Option("--admin", help="May manage every meeting.")] = False,
) -> None:
    """Add an account, or set the password of one and unlock it. Asks for it, or reads standard input."""
    from server.auth import AuthError
    from server.maintenance import set_password

    password = typer.prompt("Mật khẩu / password", hide_input=sys.stdin.isatty())
    try:
        print(asyncio.run(set_password(_settings(), username, password, admin=admin)))
    except AuthError as error:
        print(f"diemcau: {error.code}", file=sys.stderr)
        raise typer.Exit(1) from None


@cli.command()
def check() -> None:
    """Verify the hash chain of every meeting and the hash of every recorded file; exit 1 if one differs."""
    from server.maintenance import check_all

    problems = asyncio.run(check_all(_settings()))
    for problem in problems:
        print(problem)
    if not problems:
        print("Toàn vẹn / everything is as it was stored")
    raise typer.Exit(1 if problems else 0)
