"""What the processes say, on standard error: for people, or one JSON object a line. Set up once by `bot.processes`."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from bot.messages.untrusted import redacted
from config.sections import Log
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
            masked,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def masked(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The last net under every line, traces included: nothing shaped like a credential reaches a log."""
    return {key: _without_secrets(value) for key, value in event.items()}


def _without_secrets(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {str(key): _without_secrets(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_secrets(inner) for inner in value]
        case _:
            return redacted(str(value))


def progress(process: str) -> Progress:
    """Lines for a person as log events named `progress`."""
    log = structlog.get_logger()

    def say(line: str) -> None:
        log.info("progress", process=process, line=line)

    return say
