"""What ``.seal.toml`` says: which certificate, scope and namespace a path is sealed with.

Values only; ``sealer.config.rulefile`` finds and reads the files. TOML and not YAML, because Flux
applies every YAML file that it finds. A key that is not known is an error: a rule with a typing
error must not quietly seal for another cluster.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealer.config.glob import compiled
from sealer.errors import SealerError
from sealer.keys.fingerprint import normal
from sealer.scope import Scope

PLACEHOLDERS = ("cert", "dir", "name", "stem")
_RULE_KEYS = frozenset({"path", "cert", "accept", "fingerprint", "scope", "namespace", "output"})
_ALLOW_KEYS = frozenset({"rule", "path", "reason"})


class RuleFileError(SealerError):
    """A ``.seal.toml`` that cannot be used."""


@dataclass(frozen=True, slots=True)
class SealingRule:
    """One ``[[rule]]``: how the files that match ``path`` are sealed."""

    path: str
    certs: tuple[str, ...] = ()
    """Files (relative to the rule file), URLs, or ``context:NAME``; several need ``output``."""
    fingerprints: tuple[str, ...] = ()
    """Of the certificates that may seal, wherever they come from; any, where there are none."""
    accept: tuple[str, ...] = ()
    """Certificates of keys that the cluster still has: good to open, not to seal."""
    scope: Scope | None = None
    namespace: str = ""
    output: str = ""

    def target(self, path: str, cert: str) -> str:
        """Where ``path`` (relative to the rule file) sealed with ``cert`` is written."""
        folder, name = posixpath.split(path)
        words = {
            "cert": cert_name(cert),
            "dir": folder or ".",
            "name": name,
            "stem": name.split(".")[0] if name.count(".") == 1 else name.rpartition(".")[0],
        }
        text = re.sub(r"\{(\w+)\}", lambda found: words[found[1]], self.output)
        return posixpath.normpath(text)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One ``[[allow]]``: a finding that is known and accepted, and why."""

    rule: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One ``.seal.toml``; ``folder`` is where it lies, as the caller names folders."""

    folder: str
    rules: tuple[SealingRule, ...] = ()
    allowances: tuple[Allowance, ...] = ()

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], folder: str, source: str) -> RuleFile:
        """Read the TOML value; raises RuleFileError naming ``source`` and the table."""
        unknown = value.keys() - {"rule", "allow"}
        if unknown:
            raise RuleFileError(
                f"{source}: {sorted(unknown)[0]} is no table of .seal.toml",
                hint="there are [[rule]] and [[allow]]",
            )
        rules = [
            _rule(table, f"{source}: rule {number}")
            for number, table in enumerate(_tables(value, "rule", source), 1)
        ]
        allowances = [
            _allowance(table, f"{source}: allow {number}")
            for number, table in enumerate(_tables(value, "allow", source), 1)
        ]
        return cls(folder, tuple(rules), tuple(allowances))

    def rule_for(self, path: str) -> SealingRule | None:
        """The last rule that matches a path relative to the folder; it alone counts."""
        for rule in reversed(self.rules):
            if matches(rule.path, path):
                return rule
        return None


def cert_name(cert: str) -> str:
    """What ``{cert}`` stands for: the file's name without its ending, or the context's."""
    name = cert.removeprefix("context:").rstrip("/").rpartition("/")[2]
    return name.rpartition(".")[0] or name


def matches(pattern: str, path: str) -> bool:
    """Match a glob as .gitignore reads it: ``*`` stays within a name, ``**`` crosses ``/``.

    A pattern without ``/`` matches the name at any depth; one that ends in ``/`` all below.
    """
    text = pattern.removeprefix("./")
    if text.endswith("/"):
        text += "**"
    if "/" not in text:
        text = f"**/{text}"
    return compiled(text.removeprefix("/")).matches(path)


def _tables(value: Mapping[str, Any], key: str, source: str) -> list[Mapping[str, Any]]:
    tables = value.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RuleFileError(f"{source}: {key} must be tables", hint=f"write [[{key}]]")
    return tables


def _rule(table: Mapping[str, Any], where: str) -> SealingRule:
    _known(table, _RULE_KEYS, where)
    scope = _string(table, "scope", where)
    rule = SealingRule(
        path=_required(table, "path", where),
        certs=_strings(table, "cert", where),
        fingerprints=_fingerprints(table, where),
        accept=_strings(table, "accept", where),
        scope=_scope(scope, where) if scope else None,
        namespace=_string(table, "namespace", where),
        output=_string(table, "output", where),
    )
    for word in re.findall(r"\{(\w*)\}", rule.output):
        if word not in PLACEHOLDERS:
            raise RuleFileError(
                f"{where}: output has no {{{word}}}",
                hint="there are " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS),
            )
    if rule.output.startswith("/") or ".." in rule.output.split("/"):
        # Whoever may change a rule must not choose files outside the tree: that is a program run.
        raise RuleFileError(
            f"{where}: output leaves the folder of .seal.toml",
            hint="write a path below it, without .. or / at its beginning",
        )
    if len(rule.certs) > 1 and rule.output and "{cert}" not in rule.output:
        raise RuleFileError(
            f"{where}: output is the same for every certificate", hint="put {cert} into it"
        )
    names = [cert_name(cert) for cert in rule.certs]
    if rule.output and len(set(names)) < len(names):
        raise RuleFileError(
            f"{where}: two certificates have the same name",
            hint="rename a file: {cert} is its name",
        )
    return rule


def _allowance(table: Mapping[str, Any], where: str) -> Allowance:
    _known(table, _ALLOW_KEYS, where)
    return Allowance(
        rule=_required(table, "rule", where),
        path=_required(table, "path", where),
        reason=_required(table, "reason", where),
    )


def _known(table: Mapping[str, Any], keys: frozenset[str], where: str) -> None:
    unknown = sorted(table.keys() - keys)
    if unknown:
        raise RuleFileError(
            f"{where}: {unknown[0]} is not known", hint="there are " + ", ".join(sorted(keys))
        )


def _scope(word: str, where: str) -> Scope:
    try:
        return Scope(word)
    except ValueError:
        raise RuleFileError(
            f"{where}: scope {word!r} is not known",
            hint="use strict, namespace-wide or cluster-wide",
        ) from None


def _fingerprints(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    try:
        found = tuple(normal(text) for text in _strings(table, "fingerprint", where))
    except ValueError as error:
        raise RuleFileError(
            f"{where}: fingerprint: {error}", hint="seal cert prints the fingerprint"
        ) from None
    if "fingerprint" in table and not found:
        # An empty list would read as "none may seal" and mean "any".
        raise RuleFileError(f"{where}: fingerprint is empty", hint="name one, or leave it out")
    return found


def _required(table: Mapping[str, Any], key: str, where: str) -> str:
    text = _string(table, key, where)
    if not text.strip():
        raise RuleFileError(f"{where}: {key} is missing")
    return text


def _string(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise RuleFileError(f"{where}: {key} must be a string")
    return value


def _strings(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(text, str) and text for text in values):
        raise RuleFileError(f"{where}: {key} must be a string, or a list of strings")
    return tuple(values)
