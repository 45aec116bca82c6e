"""Log lines for people (``text``) or machines (``json``): the same fields in both, never a value.

Info and below go to standard output where that is asked for, warnings and errors to standard
error, as at the peer.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO

_BUILT_IN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "settings"}
# kopf puts the whole object into these of its records.
_FOREIGN = frozenset({"k8s_ref", "k8s_skip", "taskName"})
_LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO}
_LEVELS |= {"WARN": logging.WARNING, "ERROR": logging.ERROR}


def configure(level: str, style: str, *, info_to_stdout: bool) -> None:
    """Set up the process' logging."""
    formatter = JsonFormatter() if style == "json" else TextFormatter()
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    if info_to_stdout:
        quiet = _handler(sys.stdout, formatter)
        quiet.addFilter(lambda record: record.levelno < logging.WARNING)
        root.addHandler(quiet)
    loud = _handler(sys.stderr, formatter)
    if info_to_stdout:
        loud.setLevel(logging.WARNING)
    root.addHandler(loud)
    root.setLevel(_LEVELS[level])
    # Their info lines are about their own workings, and some quote whole objects.
    for name in ("kopf", "asyncio", "aiohttp.access", "azure", "msal", "kubernetes"):
        logging.getLogger(name).setLevel(max(logging.WARNING, _LEVELS[level]))


def _handler(stream: IO[str], formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    return handler


def fields(record: logging.LogRecord) -> dict[str, object]:
    """Return a record as ordered fields; exceptions by class only, since texts may quote."""
    moment = datetime.fromtimestamp(record.created, UTC)
    line: dict[str, object] = {
        "time": moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "level": "WARN" if record.levelname == "WARNING" else record.levelname,
        "msg": record.getMessage(),
    }
    for key, value in vars(record).items():
        if key not in _BUILT_IN and key not in _FOREIGN and value not in (None, ""):
            line[key] = value if isinstance(value, (int, float, bool)) else str(value)
    if record.exc_info and record.exc_info[0]:
        line["error"] = record.exc_info[0].__name__
    return line


class TextFormatter(logging.Formatter):
    """``time=… level=INFO msg=unsealed object=shop/db``, as Go's slog writes it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        return " ".join(f"{key}={_quoted(value)}" for key, value in fields(record).items())


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        return json.dumps(fields(record), ensure_ascii=False)


def _quoted(value: object) -> str:
    text = str(value)
    plain = text and all(char.isprintable() and char not in ' ="' for char in text)
    return text if plain else json.dumps(text, ensure_ascii=True)
