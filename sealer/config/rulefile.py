"""Finds and reads ``.seal.toml``: upwards from a file, as far as the repository's root.

Never above that root, and outside a repository never above the working directory: a rule file
that somebody put into /tmp must not choose the certificate that our secrets are sealed for.
Costs two stat calls a folder where there is none; ``tomllib`` is imported when there is one.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sealer.config.rules import RuleFile, RuleFileError, SealingRule

NAME = ".seal.toml"
_LINE = re.compile(r"\((at [^()]*)\)$")


def find_rule(path: str) -> tuple[SealingRule, RuleFile] | None:
    """The rule for a file: of the nearest ``.seal.toml`` that has one; None for ``-``.

    Raises RuleFileError for a rule file that cannot be read.
    """
    if path == "-":
        return None
    absolute = os.path.abspath(path)  # noqa: PTH100 pathlib costs 5 ms at start
    for folder in folders(os.path.dirname(absolute)):  # noqa: PTH120
        if not os.path.isfile(os.path.join(folder, NAME)):  # noqa: PTH113, PTH118
            continue
        rules = read(folder)
        rule = rules.rule_for(os.path.relpath(absolute, folder).replace(os.sep, "/"))
        if rule:
            return rule, rules
    return None


def folders(folder: str) -> list[str]:
    """The folders whose rules may count for a file in ``folder``, nearest first."""
    found = [folder]
    while not os.path.exists(os.path.join(found[-1], ".git")):  # noqa: PTH110, PTH118
        parent = os.path.dirname(found[-1])  # noqa: PTH120
        if parent == found[-1]:
            return _below_working_directory(found)
        found.append(parent)
    return found


def _below_working_directory(found: list[str]) -> list[str]:
    here = os.getcwd()  # noqa: PTH109
    return found[: found.index(here) + 1] if here in found else found[:1]


def read(folder: str) -> RuleFile:
    """Read the rule file of a folder; empty where there is none."""
    import tomllib

    from sealer.config.rules import RuleFile, RuleFileError

    path = os.path.join(folder, NAME)  # noqa: PTH118
    shown = os.path.relpath(path)
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            value = tomllib.load(stream)
    except FileNotFoundError:
        return RuleFile(folder)
    except OSError as error:
        raise RuleFileError(f"cannot read {shown}: {(error.strerror or '').lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise not_toml(shown, error) from None
    return RuleFile.from_dict(value, folder, shown)


def not_toml(shown: str, error: ValueError) -> RuleFileError:
    """The error for a rule file that does not parse; ``shown`` is what messages call it.

    Python 3.11's parser tells its line in its message alone, which may quote the text besides.
    """
    from sealer.config.rules import RuleFileError

    found = _LINE.search(str(error))
    return RuleFileError(f"{shown}: not valid TOML {found[1] if found else 'somewhere'}")


def output_place(target: str, rules: RuleFile) -> str:
    """Where a rule's output is written, which is in its repository, or else in its own folder.

    Links are followed to see that, as the writing follows them; nothing of git's own is an
    output. Raises RuleFileError for any other place: a rule may come with somebody's branch.
    """
    from sealer.config.rules import RuleFileError

    place = os.path.join(rules.folder, target)  # noqa: PTH118
    root = os.path.realpath(_repository(rules.folder))
    inside = os.path.relpath(os.path.realpath(place), root).split(os.sep)  # noqa: PTH206
    if inside[0] == os.pardir or any(name.lower() == ".git" for name in inside):
        raise RuleFileError(
            f"{os.path.relpath(os.path.join(rules.folder, NAME))}: the output {target} leads "  # noqa: PTH118
            "out of the repository",
            hint="write below the folder of .seal.toml, through no link that leaves it",
        )
    return os.path.relpath(place)


def _repository(folder: str) -> str:
    """The nearest folder with ``.git``, upwards; the folder itself where there is none."""
    above = folder
    while not os.path.exists(os.path.join(above, ".git")):  # noqa: PTH110, PTH118
        above, below = os.path.dirname(above), above  # noqa: PTH120
        if above == below:
            return folder
    return above


def certificate_place(cert: str, rules: RuleFile) -> str:
    """A certificate's place for the edge that loads it: a path is the rule file's, not ours."""
    if cert.startswith("context:") or "://" in cert:
        return cert
    return os.path.join(rules.folder, cert)  # noqa: PTH118
