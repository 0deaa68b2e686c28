"""How the agent logs: to stderr, for people at a terminal, one JSON object per line for everything else.

Never a secret: keys are resolved where they are used and appear in no event.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor


def configure(*, level: int = logging.INFO) -> None:
    """Set up structlog for this process."""
    terminal = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shown: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[*shared, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
