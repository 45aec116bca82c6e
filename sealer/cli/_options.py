"""Options that several commands share: the same name means the same thing everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from sealer.cli import _ui
from sealer.cli._certificates import CERT_VARIABLE, Wanted
from sealer.cli._ui import UI
from sealer.errors import UsageError
from sealer.files.text import STDIN
from sealer.keys.fingerprint import normal

if TYPE_CHECKING:
    from sealer.keys.ring import KeyRing
    from sealer.scope import Scope

_F = TypeVar("_F", bound=Callable[..., Any])

# Shells complete file names for it; whether there is one is told by whoever reads it.
FILE = click.Path(readable=False)
SCOPE_VARIABLE = "SEALED_SECRETS_SCOPE"
SCOPES = ("strict", "namespace-wide", "cluster-wide")
FORMATS = ("yaml", "json")
FINDING_FORMATS = ("text", "json", "github", "sarif", "azure")


def words(function: _F) -> _F:
    """-q/--quiet and -v/--verbose."""

    def set_quiet(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.ensure_object(UI).quiet = value

    def set_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.ensure_object(UI).verbose = value

    quiet = click.option(
        "-q", "--quiet", is_flag=True, callback=set_quiet, expose_value=False, help="Errors only."
    )
    verbose = click.option(
        "-v", "--verbose", is_flag=True, callback=set_verbose, expose_value=False, help="Say more."
    )
    return quiet(verbose(function))


def cert(function: _F) -> _F:
    """Which certificate to seal with, and what vouches for it; the command gets one ``wanted``."""
    return click.option(
        "--cert",
        "certs",
        multiple=True,
        type=FILE,
        metavar="FILE|URL",
        help="Certificate to seal with (PEM); the default is the cluster's.  "
        f"[env: {CERT_VARIABLE}]",
    )(vouched(function))


def vouched(function: _F) -> _F:
    """What vouches for a certificate; the command gets ``wanted``, with its ``certs`` in it."""

    @wraps(function)
    def wrapper(*args: Any, **values: Any) -> Any:
        wanted = Wanted(
            certs=values.pop("certs"),
            fingerprints=values.pop("expected"),
            accept_new=values.pop("accept_new_certificate"),
        )
        return function(*args, wanted=wanted, **values)

    expected = click.option(
        "--fingerprint",
        "expected",
        multiple=True,
        metavar="SHA256",
        callback=_fingerprints,
        help="Seal with no other certificate than this one, or one that its key announced; "
        "repeatable.",
    )
    accept = click.option(
        "--accept-new-certificate",
        is_flag=True,
        help="Take the certificate of a place that served another one before.",
    )
    return cast("_F", expected(accept(wrapper)))


def _fingerprints(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    try:
        return tuple(normal(one) for one in value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def scope(function: _F) -> _F:
    """--scope."""
    return click.option(
        "--scope",
        type=click.Choice(SCOPES),
        help="Where the sealed values may be opened; the default is strict (this namespace and "
        f"name).  [env: {SCOPE_VARIABLE}]",
    )(function)


def namespace(function: _F) -> _F:
    """-n/--namespace: of objects that leave it to whoever applies them."""
    return click.option(
        "-n",
        "--namespace",
        default="",
        help="Namespace of SealedSecrets that name none; the default is their rule's.",
    )(function)


def keys(*, required: bool) -> Callable[[_F], _F]:
    """--key: private keys, repeatable."""
    return click.option(
        "--key",
        "keys",
        multiple=True,
        required=required,
        type=FILE,
        metavar="FILE",
        help="Private key: PEM, or key Secrets as kubectl prints them; repeatable.",
    )


def controller(function: _F) -> _F:
    """Where the controller is; the command gets one argument, ``location``."""

    @wraps(function)
    def wrapper(*args: Any, **values: Any) -> Any:
        from sealer.cluster.location import Location

        location = Location(
            name=values.pop("controller_name"),
            namespace=values.pop("controller_namespace"),
            url=values.pop("controller_url"),
            kubeconfig=values.pop("kubeconfig"),
            context=values.pop("context"),
        )
        return function(*args, location=location, **values)

    name = click.option(
        "--controller-name",
        default="sealed-secrets-controller",
        show_default=True,
        envvar="SEALED_SECRETS_CONTROLLER_NAME",
        show_envvar=True,
        help="Service of the controller.",
    )
    namespace = click.option(
        "--controller-namespace",
        default="kube-system",
        show_default=True,
        envvar="SEALED_SECRETS_CONTROLLER_NAMESPACE",
        show_envvar=True,
        help="Namespace of the controller.",
    )
    url = click.option("--controller-url", default="", help="The controller's own address instead.")
    kubeconfig = click.option(
        "--kubeconfig", type=FILE, metavar="FILE", help="kubeconfig to find it with."
    )
    context = click.option("--context", metavar="NAME", help="Context of the kubeconfig.")
    return cast("_F", name(namespace(url(kubeconfig(context(wrapper))))))


def backup_recipients(function: _F) -> _F:
    """--to and --passphrase-file: who can read a backup."""
    to = click.option(
        "--to",
        multiple=True,
        metavar="RECIPIENT",
        help="age1..., ssh-..., a file of such lines, or a PEM certificate; repeatable.",
    )
    passphrase = click.option(
        "--passphrase-file", metavar="FILE", help="A passphrase instead; the default is to ask."
    )
    return to(passphrase(function))


def vault_suffixes(function: _F) -> _F:
    """--vault-suffixes, as a tuple."""
    return click.option(
        "--vault-suffixes",
        default="",
        metavar="LIST",
        callback=lambda _, __, text: tuple(filter(None, text.split(","))),
        help="DNS suffixes of vaults that the controller allows beyond Azure's clouds.",
    )(function)


def findings(function: _F) -> _F:
    """--format and --strict: how findings are written, and which of them fail."""
    form = click.option(
        "--format",
        "format_name",
        type=click.Choice(FINDING_FORMATS),
        default="text",
        show_default=True,
        help="How findings are written.",
    )
    strict = click.option("--strict", is_flag=True, help="Fail on warnings, too.")
    return form(strict(function))


def sign_with(function: _F) -> _F:
    """--sign-with: who made a backup."""
    return click.option(
        "--sign-with", metavar="FILE", help="SSH private key that signs it, into FILE.sig."
    )(function)


def output_format(function: _F) -> _F:
    """-o/--format."""
    return click.option(
        "-o",
        "--format",
        "output_format",
        type=click.Choice(FORMATS, case_sensitive=False),
        help="Output format; the default is the input's.",
    )(function)


def text_or_json(function: _F) -> _F:
    """-o/--format of what is listed; the command gets ``form``."""
    return click.option(
        "-o",
        "--format",
        "form",
        type=click.Choice(("text", "json"), case_sensitive=False),
        default="text",
        show_default=True,
        help="Output format.",
    )(function)


def write(function: _F) -> _F:
    """-w/--write."""
    return click.option(
        "-w", "--write", type=FILE, metavar="FILE", help="Write to this file, whole or not at all."
    )(function)


def inputs(files: tuple[str, ...], *others: str, kinds: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The files to read, standard input where none is named; ``others`` are read besides.

    With ``kinds`` a folder stands for the files below it that hold one of them.

    Raises UsageError where a person would have to type a manifest without having asked for it,
    and where standard input is to be two things.
    """
    if not files and _ui.stdin_is_terminal():
        raise UsageError("no input", hint="name a file, pipe one in, or use - to type it here")
    paths = files or (STDIN,)
    if (*paths, *others).count(STDIN) > 1:
        raise UsageError("standard input can be read once", hint="put the rest into files")
    if kinds and any(os.path.isdir(path) for path in paths):  # noqa: PTH112
        from sealer.inputs.folders import expanded

        return expanded(paths, kinds)
    return paths


def load_ring(paths: tuple[str, ...]) -> KeyRing:
    """Read every key file into one ring."""
    from sealer.files.text import display, read_text
    from sealer.keys.keyfile import read_keys
    from sealer.keys.ring import KeyRing

    pairs = []
    for path in paths:
        pairs.extend(read_keys(read_text(path)[0], display(path)))
    return KeyRing.of(pairs)


def default_scope() -> Scope | None:
    """The scope that the environment asks for, None if it does not."""
    from sealer.scope import Scope

    word = os.environ.get(SCOPE_VARIABLE, "")
    return Scope.parse(word) if word else None
