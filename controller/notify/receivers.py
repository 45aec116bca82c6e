"""Who is told, and of what: the configuration file, read into frozen values.

JSON, as the chart writes it. A receiver's URL is a credential: it stands in a file of its own (a
mounted Secret), is read at each delivery so that it can be changed, and is in no message. The file
may come later than the controller, which makes the Secret of a sealed one itself.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from controller.notify.notice import Notice
from sealer.duration import parse_go
from sealer.errors import SealerError, UsageError

KINDS = ("flux", "slack", "teams", "webhook")
SEVERITIES = ("info", "error")


class AwaitedError(SealerError):
    """A receiver's file is not there yet; it may come at any time."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One place that is told."""

    name: str
    kind: str
    url_file: str = field(repr=False)
    hmac_key_file: str = field(default="", repr=False)
    namespaces: tuple[str, ...] = ("*",)
    """Globs."""
    severity: str = "info"
    """The least that is told."""
    reasons: tuple[str, ...] = ("*",)
    """Globs."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that the object must have."""
    keys: bool = False
    """Whether names of keys are told."""
    window: timedelta = timedelta(seconds=10)

    def wants(self, notice: Notice) -> bool:
        """Whether this is for this receiver."""
        return (
            SEVERITIES.index(notice.severity) >= SEVERITIES.index(self.severity)
            and _any_of(self.namespaces, notice.namespace)
            and _any_of(self.reasons, notice.reason)
            and all(notice.labels.get(key) == value for key, value in self.labels.items())
        )

    def url(self) -> str:
        """Read the URL; SealerError names the receiver and the file, never the URL.

        AwaitedError where the file is not there, or empty.
        """
        url = _read(self.name, self.url_file)
        if not url.startswith(("https://", "http://")):
            raise SealerError(f"receiver {self.name}: its file holds no URL")
        return url

    def hmac_key(self) -> bytes:
        """Read the key that signs; empty where none is configured."""
        return _read(self.name, self.hmac_key_file).encode() if self.hmac_key_file else b""


def read_receivers(path: str) -> tuple[Receiver, ...]:
    """Read the configuration; UsageError says what is wrong with which receiver."""
    try:
        text = json.loads(Path(path).read_text())
        entries = text["receivers"]
        if not isinstance(entries, list):
            raise TypeError
    except OSError as error:
        raise UsageError(f"cannot read {path}: {(error.strerror or 'failed').lower()}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f'{path}: must be JSON with a list "receivers"') from None
    receivers = tuple(
        _receiver(entry, f"{path}: receivers[{n}]") for n, entry in enumerate(entries)
    )
    names = [receiver.name for receiver in receivers]
    if len(set(names)) != len(names):
        raise UsageError(f"{path}: two receivers have one name")
    return receivers


_NAMES = {"urlFile": "url_file", "hmacKeyFile": "hmac_key_file"}


def _receiver(entry: Any, where: str) -> Receiver:
    if not isinstance(entry, Mapping):
        raise UsageError(f"{where}: must be a mapping")
    values: dict[str, Any] = {str(_NAMES.get(key, key)): item for key, item in entry.items()}
    unknown = values.keys() - {known.name for known in fields(Receiver)}
    if unknown:
        raise UsageError(f"{where}: unknown field {sorted(unknown)[0]}")
    for needed in ("name", "kind", "url_file"):
        if not values.get(needed):
            raise UsageError(f"{where}: needs {needed}")
    if values["kind"] not in KINDS:
        raise UsageError(f"{where}: kind takes {', '.join(KINDS)}")
    if values.get("severity", "info") not in SEVERITIES:
        raise UsageError(f"{where}: severity takes info or error")
    for globs in ("namespaces", "reasons"):
        if globs in values:
            values[globs] = tuple(map(str, values[globs])) or ("*",)
    if "window" in values:
        try:
            values["window"] = parse_go(str(values["window"]))
        except ValueError as error:
            raise UsageError(f"{where}: window: {error}") from None
    return Receiver(**values)


def _any_of(globs: tuple[str, ...], word: str) -> bool:
    return any(fnmatch.fnmatchcase(word, glob) for glob in globs)


def _read(name: str, path: str) -> str:
    try:
        text = Path(path).read_text().strip()
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError):
        raise SealerError(f"receiver {name}: cannot read {path}") from None
    if not text:
        raise AwaitedError(f"receiver {name}: {path} is not there yet")
    return text
