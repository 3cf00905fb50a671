"""`redgreen web` and `serve`: what receives webhooks, and what holds both processes together.

The web process imports nothing that works on jobs: it starts fast, and holds the webhook's secret alone.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import structlog

from bot import logs, places
from bot.app import create_app
from bot.app import run as run_server
from bot.store import Store
from config.settings import Settings

STOP_SECONDS = 60.0


def web(settings: Settings) -> None:
    """Until SIGTERM or Ctrl-C. Raises `config.origins.SettingsRefused` without a webhook secret."""
    secret = settings.github.secret().get_secret_value()
    logs.configure(settings.log)
    log = structlog.get_logger()
    store = Store.open(places.database_url(settings))
    try:
        run_server(
            create_app(webhook_secret=secret, deliveries=store.deliveries),
            host=settings.server.host,
            port=settings.server.port,
            started=lambda port: log.info("listening", host=settings.server.host, port=port),
        )
    finally:
        store.close()


def serve(config: Path | None) -> int:
    """Web and worker as children of this process; when one ends the other is stopped. The worst exit code."""
    words = ["--config", str(config)] if config else []
    children = [subprocess.Popen([sys.executable, "-m", "bot", name, *words]) for name in ("web", "worker")]

    def pass_on(number: int, _frame: FrameType | None) -> None:
        for child in children:
            if child.poll() is None:
                child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    try:
        while all(child.poll() is None for child in children):
            time.sleep(0.2)
    except KeyboardInterrupt:  # the terminal has sent it to the children as well
        pass
    finally:
        codes = [_stopped(child) for child in children]
    return max((abs(code) for code in codes), default=0)


def _stopped(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
