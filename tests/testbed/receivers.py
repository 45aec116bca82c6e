"""Receivers of notifications as real HTTP servers that check what they get, as the vendors do.

The schemas are written from what is published: Flux's ``Event`` (fluxcd/pkg, event/v1beta1), the
Block Kit reference of Slack (text of a section: 1 to 3000 characters, 50 blocks), the Adaptive
Cards schema 1.4 (RichTextBlock, TextRun) and Teams' limit of 28 KB for a card.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jsonschema

TEAMS_BYTES = 28 * 1024
_TEXT = {"type": "string", "minLength": 1}
FLUX_EVENT: Mapping[str, Any] = {
    "type": "object",
    "required": [
        "involvedObject",
        "severity",
        "timestamp",
        "message",
        "reason",
        "reportingController",
    ],
    "properties": {
        "involvedObject": {
            "type": "object",
            "required": ["apiVersion", "kind", "name", "namespace"],
            "additionalProperties": _TEXT,
        },
        "severity": {"enum": ["trace", "info", "error"]},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "message": {"type": "string", "minLength": 1, "maxLength": 1024},
        "reason": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "reportingController": _TEXT,
        "reportingInstance": {"type": "string"},
    },
    "additionalProperties": False,
}
SLACK: Mapping[str, Any] = {
    "type": "object",
    "required": ["text", "blocks"],
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 40_000, "not": {"pattern": "[<>]"}},
        "mrkdwn": {"type": "boolean"},
        "blocks": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["type", "text"],
                "additionalProperties": False,
                "properties": {
                    "type": {"const": "section"},
                    "text": {
                        "type": "object",
                        "required": ["type", "text"],
                        "additionalProperties": False,
                        "properties": {
                            "type": {"enum": ["plain_text", "mrkdwn"]},
                            "text": {"type": "string", "minLength": 1, "maxLength": 3000},
                            "emoji": {"type": "boolean"},
                        },
                    },
                },
            },
        },
    },
    "additionalProperties": False,
}
_RUN = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "TextRun"},
        "text": _TEXT,
        "weight": {"enum": ["lighter", "default", "bolder"]},
        "color": {"enum": ["default", "dark", "light", "accent", "good", "warning", "attention"]},
    },
}
ADAPTIVE_CARD: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "attachments"],
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["contentType", "content"],
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "content": {
                        "type": "object",
                        "required": ["type", "version", "body"],
                        "properties": {
                            "$schema": {"type": "string"},
                            "type": {"const": "AdaptiveCard"},
                            "version": {"const": "1.4"},
                            "body": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "object",
                                    "required": ["type", "inlines"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "type": {"const": "RichTextBlock"},
                                        "inlines": {"type": "array", "items": _RUN},
                                    },
                                },
                            },
                        },
                        "additionalProperties": False,
                    },
                },
            },
        },
    },
}
SCHEMAS = {"flux": FLUX_EVENT, "slack": SLACK, "teams": ADAPTIVE_CARD}
_GOOD = {"flux": 202, "slack": 200, "teams": 202, "webhook": 204}


@dataclass
class Endpoint:
    """One receiver: what came, and how it answers next."""

    kind: str
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why a payload did not fit the schema."""
    faults: list[int] = field(default_factory=list)
    """Statuses for the next requests, in order."""

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Check one request and return the status."""
        if self.faults:
            return self.faults.pop(0)
        try:
            payload = json.loads(body)
            if self.kind in SCHEMAS:
                jsonschema.validate(payload, SCHEMAS[self.kind])
            if self.kind == "teams" and len(body) > TEAMS_BYTES:
                raise ValueError("beyond 28 KB")
        except (ValueError, jsonschema.ValidationError) as error:
            self.refused.append(str(error)[:500])
            return 400
        self.received.append(payload)
        self.headers.append(headers)
        self.bodies.append(body)
        return _GOOD[self.kind]


@contextmanager
def receivers() -> Iterator[tuple[int, dict[str, Endpoint]]]:
    """Serve one endpoint a kind, under ``/<kind>/secret-token``; yield the port and them."""
    endpoints = {kind: Endpoint(kind) for kind in _GOOD}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            endpoint = endpoints[self.path.split("/")[1]]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(endpoint.take(body, dict(self.headers)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], endpoints
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
