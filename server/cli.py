"""The `diemcau` command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from server.config import EXIT_WRONG_SETTING, Settings, SettingsError
from server.config import load as load_settings

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
        yield load_settings()
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


@cli.command("load")
def put_load(
    url: Annotated[str, typer.Argument(help="The server, as https://meet.example:8443.")],
    meeting: Annotated[str, typer.Option(help="Join by this meeting's code instead of making one.")] = "",
    username: Annotated[str, typer.Option(help="Who signs in and makes the meeting.")] = "admin",
    password: Annotated[
        str, typer.Option(envvar="DIEMCAU_LOAD_PASSWORD", help="Asked for where it is not given.")
    ] = "",
    publishers: Annotated[int, typer.Option(min=1, help="Participants who send.")] = 1,
    subscribers: Annotated[int, typer.Option(min=0, help="Participants who only receive.")] = 40,
    watch: Annotated[int, typer.Option(min=0, help="Publishers that each one receives; 0: all.")] = 0,
    everybody: Annotated[bool, typer.Option("--everybody", help="Publishers receive, too.")] = False,
    duration: Annotated[float, typer.Option(min=1, help="Seconds that are counted.")] = 30,
    warm: Annotated[float, typer.Option(min=0, help="Seconds of media before that.")] = 3,
    video_rate: Annotated[int, typer.Option(min=0, help="Video packets a second; 0: none.")] = 150,
    video_bitrate: Annotated[
        int, typer.Option(min=0, help="Video in kbit/s, instead of the packets a second.")
    ] = 0,
    video_bytes: Annotated[int, typer.Option(min=120, max=1_200, help="Of a video packet.")] = 1_100,
    burst: Annotated[int, typer.Option(min=1, max=60, help="Packets of a video frame.")] = 5,
    audio: Annotated[int, typer.Option(min=0, max=100, help="Audio packets a second; 0: none.")] = 50,
    simulcast: Annotated[bool, typer.Option("--simulcast", help="Three encodings of the video.")] = False,
    processes: Annotated[int, typer.Option(min=0, help="Of participants; 0: by their number.")] = 0,
    ca: Annotated[str, typer.Option(help="File with the authority of the server's certificate.")] = "",
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any certificate.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Put a load on a running server, as light participants without codecs, and tell what comes through.

    They join as browsers do and count every packet; nothing is retransmitted. Loss and delay are those of server
    and network together, so run it beside the server to size the server, and elsewhere to see the network. The
    processor time a packet is only right while no other meeting is on the same worker.
    """
    from server.load.errors import LoadError
    from server.load.plan import Plan
    from server.load.run import Load, run
    from server.load.site import Address

    rate = round(video_bitrate * 1000 / 8 / video_bytes) if video_bitrate else video_rate
    plan = Plan(video_rate=rate, video_bytes=video_bytes, burst=burst, audio_rate=audio, simulcast=simulcast)
    if not plan.sources:
        raise typer.BadParameter("neither audio nor video would be sent")
    if not meeting and not password:
        password = typer.prompt("Mật khẩu / password", hide_input=sys.stdin.isatty(), err=True)
    load = Load(
        Address(url.rstrip("/"), ca, insecure), plan, username, password, meeting, publishers, subscribers, watch,
        everybody, duration, warm, processes,
    )  # fmt: skip
    try:
        report = asyncio.run(run(load))
    except LoadError as error:
        print(f"diemcau: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("diemcau: stopped, everybody has left", file=sys.stderr)
        raise typer.Exit(130) from None
    print(json.dumps(report.to_json()) if as_json else "\n".join(report.lines()))
