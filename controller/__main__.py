"""``sealer-controller``: read the settings, set up logging, run; exit 0, 1 failure, 2 usage."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from controller.settings import Settings, parse
from sealer import __version__
from sealer.errors import SealerError, UsageError

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def main() -> None:
    """Run the controller until a signal ends it."""
    try:
        settings = parse(sys.argv[1:], os.environ)
        if settings.version:
            print(f"controller version: v{__version__}")  # noqa: T201 the peer's words
            return
        _run(replace(settings, namespace=settings.namespace or _own_namespace()))
    except UsageError as error:
        sys.exit(_told(error, 2))
    except SealerError as error:
        sys.exit(_told(error, 1))
    except ModuleNotFoundError as error:
        # The base install has the program, too, and not what it needs.
        if (error.name or "controller").partition(".")[0] in ("controller", "sealer"):
            raise
        sys.exit(_told(_extra(error), 1))
    except KeyboardInterrupt:
        sys.exit(130)


def _run(settings: Settings) -> None:
    # These bring kopf and aiohttp, half a second: --version and usage errors need not wait.
    import asyncio

    from controller import logs
    from controller.app import main as run

    logs.configure(settings.log_level, settings.log_format, info_to_stdout=settings.log_info_stdout)
    asyncio.run(run(settings))


def _extra(error: ModuleNotFoundError) -> SealerError:
    return SealerError(
        f"the controller needs the extra package {error.name}",
        hint="pip install 'sealer[controller]', or run the image",
    )


def _own_namespace() -> str:
    """The pod's namespace, as the peer finds it."""
    if name := os.environ.get("POD_NAMESPACE"):
        return name
    try:
        return _NAMESPACE_FILE.read_text().strip() or "default"
    except OSError:
        return "default"


def _told(error: SealerError, code: int) -> int:
    print(f"sealer-controller: error: {error.message}", file=sys.stderr)  # noqa: T201
    if error.hint:
        print(f"sealer-controller: hint: {error.hint}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    main()
