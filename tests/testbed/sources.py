"""What the tests read of other projects, CRDs, charts and rules: the Go modules that hold it."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off"}
# The peer is in go.mod. Of the others nothing is built: Go checks them against its public log, and
# we against what they were.
MODULES = {
    "peer": ("github.com/bitnami-labs/sealed-secrets", ""),
    # Before and after its health checks learned to look at the generation.
    "argo-cd-3.4": (
        "github.com/argoproj/argo-cd/v3@v3.4.0",
        "h1:yZwfaOIzE/aQTA52mOfeZQbribmyxKYvMgirQja4eX0=",
    ),
    "argo-cd-3.5": (
        "github.com/argoproj/argo-cd/v3@v3.5.7",
        "h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0=",
    ),
    "kustomize-controller": (
        "github.com/fluxcd/kustomize-controller@v1.9.6",
        "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
    ),
    "source-controller": (
        "github.com/fluxcd/source-controller@v1.9.6",
        "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
    ),
    "prometheus-operator": (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    ),
    "gateway-api": (
        "sigs.k8s.io/gateway-api@v1.6.0",
        "h1:735YBRj5NXFrOGX0GoSjwzUIzbz8kiEOfADsqHFmHgE=",
    ),
}


@cache
def folder(name: str) -> Path:
    """Return the folder of one of MODULES, fetched first where it is not here."""
    module, checksum = MODULES[name]
    told = subprocess.run(
        ["go", "mod", "download", "-json", module],
        cwd=HERE,
        check=True,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
    )
    found = json.loads(told.stdout)
    if checksum and found["Sum"] != checksum:
        raise RuntimeError(f"{module} is not what it was: {found['Sum']}")
    return Path(found["Dir"])
