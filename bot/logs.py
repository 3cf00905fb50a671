"""What the processes say, on standard error: for people, or one JSON object a line. Set up once by `bot.processes`."""

from __future__ import annotations

import logging
import sys

import structlog

from config.settings import Log
from sandbox.types import Progress


def configure(settings: Log) -> None:
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def progress(process: str) -> Progress:
    """Lines for a person as log events named `progress`."""
    log = structlog.get_logger()

    def say(line: str) -> None:
        log.info("progress", process=process, line=line)

    return say
