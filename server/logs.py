"""Logs: one line an event, for people on a terminal and as JSON for machines.

Tracebacks are plain: structlog's pretty ones print local variables, and those hold passwords and tokens.
"""

import sys

import structlog


def configure() -> None:
    """Set up structlog for this process; to standard error, which service managers collect."""
    for_people = sys.stderr.isatty()
    renderers: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    if for_people:
        renderers = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
