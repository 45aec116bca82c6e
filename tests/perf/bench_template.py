"""How fast templates render, beside Go's own text/template in the same run: ``make bench``.

A configuration file of 20 lines with 10 values, parsed and rendered 1,000 times, as the
controller does for each SealedSecret. Exits 1 when it takes more than a second.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import time

from sealer.template import render
from tests.testbed import binaries

RENDERS = 1000
ROUNDS = 5
VALUES = {
    key: f"value-of-{key}".encode()
    for key in ("host", "port", "name", "user", "pass", "url", "token", "mode", "cert", "ca")
}
TEMPLATE = """\
[database]
host = {{ .host }}
port = {{ .port }}
name = {{ .name }}
user = {{ .user }}
password = {{ .pass | printf "%q" }}
{{- if .cert }}
sslmode = verify-full
sslcert = {{ .cert }}
sslrootcert = {{ .ca }}
{{- else }}
sslmode = disable
{{- end }}

[api]
url = https://{{ .user | urlquery }}:{{ .pass | urlquery }}@{{ .url }}/v1
token = {{ index . "token" }}
mode = {{ .mode }}
timeout = 30
retries = 5
"""


def ours() -> float:
    """Return the seconds of our 1,000 renders."""
    start = time.perf_counter()
    for _ in range(RENDERS):
        render("cfg", TEMPLATE, VALUES)
    return time.perf_counter() - start


def gos() -> float:
    """Return the seconds of Go's 1,000 renders, its start not counted."""
    data = {key: base64.b64encode(value).decode() for key, value in VALUES.items()}
    request = json.dumps({"name": "cfg", "template": TEMPLATE, "data": data})
    done = subprocess.run(
        [binaries.path("template-oracle"), "bench", str(RENDERS)],
        input=request + "\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    return float(done.stdout)


def main() -> None:
    """Take turns, print the medians, and judge."""
    ours()
    pairs = [(ours(), gos()) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{'':<42} {'seal':>12} {'Go':>12} {'ratio':>16}")
    name = f"{RENDERS} renders of 20 lines, 10 values (< 1 s)"
    print(f"{name:<42} {mine:>10.2f} s {theirs:>10.2f} s {mine / theirs:>14.1f} x")
    sys.exit(0 if mine < 1 else 1)


if __name__ == "__main__":
    main()
