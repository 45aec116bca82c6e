"""Flags and environment to frozen settings; the names are the peer's, and so are the defaults.

A flag given wins over its environment variable ``SEALED_SECRETS_<FLAG>``. Source: the flags of
bitnami-labs/sealed-secrets ``cmd/controller``; what only we have is marked.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NoReturn

from sealer.duration import parse_go
from sealer.errors import UsageError
from sealer.keys.custody import Custody

ENVIRONMENT_PREFIX = "SEALED_SECRETS_"
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_PREFIX = re.compile(r"[a-z0-9-]{1,245}")


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set; durations as timedelta, sizes in bits, rates a second."""

    key_prefix: str = "sealed-secrets-key"
    key_size: int = 4096
    key_ttl: timedelta = timedelta(hours=87600)
    my_cn: str = ""
    key_renew_period: timedelta = timedelta(hours=720)
    key_order_priority: str = "CertNotBefore"
    key_cutoff_time: datetime | None = None
    generate_key: bool = True
    adopted_keys: str = "seal"
    privatekey_annotations: tuple[tuple[str, str], ...] = ()
    privatekey_labels: tuple[tuple[str, str], ...] = ()
    accept_deprecated_v1_data: bool = True
    all_namespaces: bool = True
    additional_namespaces: tuple[str, ...] = ()
    label_selector: str = ""
    rate_limit: int = 2
    rate_limit_burst: int = 2
    old_gc_behavior: bool = False
    update_status: bool = True
    watch_for_secrets: bool = False
    skip_recreate: bool = False
    drift: str = "revert"
    recreate_immutable: bool = False
    allow_service_account_tokens: bool = False
    log_info_stdout: bool = False
    log_level: str = "INFO"
    log_format: str = "text"
    max_unseal_retries: int = 5
    workers: int = 16
    kubeclient_qps: float = 0
    kubeclient_burst: int = 0
    key_vault: bool = False
    vault_suffixes: tuple[str, ...] = ()
    vault_service_account_label: bool = True
    notify_config: str = ""
    authenticate: bool = False
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    listen_addr: str = ":8080"
    listen_metrics_addr: str = ":8081"
    listen_tls_addr: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    page: bool = False
    page_cluster_name: str = ""
    metrics_omit_secret_labels: bool = False
    read_timeout: timedelta = timedelta(seconds=30)
    write_timeout: timedelta = timedelta(minutes=2)
    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    version: bool = False

    @property
    def custody(self) -> Custody:
        """Where the sealing keys are, which no manifest may touch."""
        return Custody(self.namespace, self.key_prefix)

    @property
    def watched_namespaces(self) -> tuple[str, ...]:
        """The namespaces to watch; empty for the whole cluster."""
        if self.additional_namespaces:
            return tuple(dict.fromkeys((self.namespace, *self.additional_namespaces)))
        return () if self.all_namespaces else (self.namespace,)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the command line and the environment; UsageError names the flag and what it takes."""
    values: dict[str, Any] = {}
    for flag in FLAGS:
        text = environment.get(ENVIRONMENT_PREFIX + flag.name.upper().replace("-", "_"))
        if text is not None and flag.name != "version":
            values[flag.field] = _read(flag, text)
    given = vars(_parser().parse_args(_go_style(arguments)))
    for flag in FLAGS:
        for name in (flag.name, *flag.aliases):
            if given.get(name) is not None:
                values[flag.field] = _read(flag, given[name])
    return Settings(**values)


def _boolean(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("takes true or false")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("takes a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("takes a number") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in _names(text):
        key, equals, value = part.partition("=")
        if not (key and equals):
            raise ValueError(f"takes key=value pairs, and {part!r} is none")
        pairs.append((key.strip(), value.strip()))
    return tuple(pairs)


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        networks = tuple(ip_network(part) for part in _names(text))
        if any(one.prefixlen == 0 for one in networks):
            raise ValueError
        return networks
    except ValueError:
        raise ValueError("takes addresses and networks, as 192.0.2.1/32,2001:db8::/64") from None


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("takes 1 to 245 characters of a-z, 0-9 and -")
    return text


def _shown(text: str) -> str:
    if len(text) > 100 or not text.isprintable():
        raise ValueError("takes at most 100 characters that can be printed")
    return text


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        raise ValueError("takes a time as Mon, 02 Jan 2006 15:04:05 -0700") from None
    if moment.tzinfo is None:
        raise ValueError("takes a time with its zone, as Mon, 02 Jan 2006 15:04:05 -0700")
    return moment


def _one_of(*words: str, fold: bool = False) -> Callable[[str], str]:
    def read(text: str) -> str:
        word = text.upper() if fold else text
        if word not in words:
            raise ValueError(f"takes {', '.join(words[:-1])} or {words[-1]}")
        return word

    return read


def _key_size(text: str) -> int:
    bits = _integer(text)
    if not 2048 <= bits <= 16384:
        raise ValueError("takes 2048 to 16384 bits")
    return bits


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: ``field`` of Settings is its name with underscores."""

    name: str
    read: Callable[[str], Any]
    help: str
    aliases: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The attribute of Settings."""
        return self.name.replace("-", "_")


FLAGS = (
    Flag("key-prefix", _prefix, "generateName of new key Secrets, name of an unlabelled old one"),
    Flag("key-size", _key_size, "bits of new sealing keys"),
    Flag("key-ttl", parse_go, "validity of new certificates"),
    Flag("my-cn", str, "common name of new certificates"),
    Flag(
        "key-renew-period",
        parse_go,
        "make a new key when the newest is this old; 0 never",
        ("rotate-period",),
    ),
    Flag(
        "key-order-priority",
        # An unknown word counts as CertNotBefore at the peer; so it does here, with a warning.
        str,
        "what makes a key the newest: CertNotBefore or SecretCreationTimestamp",
    ),
    Flag("key-cutoff-time", _moment, "make a new key at start if the newest is older than this"),
    Flag("generate-key", _boolean, "make keys when there is none or the newest is old (ours)"),
    Flag(
        "adopted-keys",
        _one_of("seal", "unseal"),
        "what keys that the controller did not make may do: seal, as the peer's, or unseal (ours)",
    ),
    Flag("privatekey-annotations", _pairs, "annotations of new key Secrets, k=v,k=v"),
    Flag("privatekey-labels", _pairs, "labels of new key Secrets, k=v,k=v"),
    Flag("accept-deprecated-v1-data", _boolean, "honour spec.data of SealedSecrets before 2018"),
    Flag("all-namespaces", _boolean, "serve all namespaces, or only the controller's own"),
    Flag("additional-namespaces", _names, "serve only these and the controller's own"),
    Flag("label-selector", str, "serve only SealedSecrets with these labels"),
    Flag("rate-limit", _integer, "requests a second to /v1/verify and /v1/rotate, for each peer"),
    Flag("rate-limit-burst", _integer, "requests that may come at once beyond that"),
    Flag("old-gc-behavior", _boolean, "delete the Secret ourselves when its SealedSecret goes"),
    Flag("update-status", _boolean, "write the status of SealedSecrets"),
    Flag("watch-for-secrets", _boolean, "accepted; key Secrets are always watched"),
    Flag("skip-recreate", _boolean, "do not watch Secrets: none is re-made, no drift is seen"),
    Flag("drift", _one_of("revert", "report", "ignore"), "what to do about edited Secrets (ours)"),
    Flag("recreate-immutable", _boolean, "delete and re-make what cannot be updated (ours)"),
    Flag("allow-service-account-tokens", _boolean, "make Secrets that mint tokens, too (ours)"),
    Flag("log-info-stdout", _boolean, "log info and below to standard output"),
    Flag("log-level", _one_of("DEBUG", "INFO", "WARN", "ERROR", fold=True), "what to log"),
    Flag("log-format", _one_of("text", "json"), "how to log"),
    Flag("max-unseal-retries", _integer, "accepted; retries never end here"),
    Flag(
        "workers",
        _integer,
        "SealedSecrets in work at once, and KeyVaultSecrets of one vault (ours)",
    ),
    Flag("kubeclient-qps", _number, "requests a second to the API server; 0 or less: no limit"),
    Flag("kubeclient-burst", _integer, "requests that may go at once beyond that"),
    Flag("key-vault", _boolean, "sync Azure Key Vault objects into Secrets (ours)"),
    Flag("vault-suffixes", _names, "more DNS suffixes that vaults may have, name[:port] (ours)"),
    Flag(
        "vault-service-account-label",
        _boolean,
        "vaults use only service accounts labelled keyvault.sealer.dev/use (ours)",
    ),
    Flag("notify-config", str, "file that says whom to tell of failures and drift (ours)"),
    Flag(
        "authenticate", _boolean, "ask for a token that may post to /v1/verify, /v1/rotate (ours)"
    ),
    Flag(
        "trusted-proxies",
        _networks,
        "addresses of the API server's proxy, which let in only who may: CIDR,CIDR (ours)",
    ),
    Flag("listen-addr", str, "where to serve the certificate, verify, rotate and health"),
    Flag("listen-metrics-addr", str, "where to serve metrics"),
    Flag("listen-tls-addr", str, "where to serve the same as --listen-addr by TLS (ours)"),
    Flag("tls-cert-file", str, "certificate chain for it, PEM; read again when it changes (ours)"),
    Flag("tls-key-file", str, "private key for it, PEM (ours)"),
    Flag("page", _boolean, "serve the page that seals in a browser at /v1/page (ours)"),
    Flag("page-cluster-name", _shown, "what that page calls this cluster (ours)"),
    Flag("metrics-omit-secret-labels", _boolean, "leave names out of the condition metric"),
    Flag("read-timeout", parse_go, "time for a request's body to come in"),
    Flag("write-timeout", parse_go, "accepted; answers are small and go out at once"),
    Flag("kubeconfig", str, "file to reach the cluster with; in a pod not needed (ours)"),
    Flag("context", str, "context of that file (ours)"),
    Flag("namespace", str, "the controller's own namespace; in a pod not needed (ours)"),
    Flag("version", _boolean, "print the version and exit"),
)


def _read(flag: Flag, text: str) -> Any:
    try:
        return flag.read(text)
    except ValueError as error:
        problem = str(error)
        raise UsageError(f"--{flag.name} {problem}", hint="see --help") from None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint="see --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sealer-controller",
        description="Turn SealedSecrets into Secrets. Every flag may come from the environment as "
        f"{ENVIRONMENT_PREFIX}<FLAG>, in capitals, with _ for -.",
        allow_abbrev=False,
    )
    for flag in FLAGS:
        switch = flag.read is _boolean
        for name in (flag.name, *flag.aliases):
            parser.add_argument(
                f"--{name}",
                dest=name,
                nargs="?" if switch else None,
                const="true" if switch else None,
                metavar="true|false" if switch else "VALUE",
                help=flag.help,
            )
    return parser


def _go_style(arguments: Sequence[str]) -> list[str]:
    """Let ``-flag`` pass as ``--flag``, and no bare word be taken for a switch's value."""
    words: list[str] = []
    for argument in arguments:
        if not argument.startswith("-") and words and _is_switch(words[-1]):
            raise UsageError(f"unexpected argument {argument!r}", hint="write --flag=value")
        words.append(f"-{argument}" if re.match(r"-[a-z]{2,}", argument) else argument)
    return words


def _is_switch(word: str) -> bool:
    return any(f"--{flag.name}" == word for flag in FLAGS if flag.read is _boolean)
