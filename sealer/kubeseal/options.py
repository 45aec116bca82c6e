"""kubeseal's flags: its own, kubectl's for the cluster, and klog's, which say nothing here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sealer.kubeseal.flagset import Flag, FlagSet

ENVIRONMENT_PREFIX = "SEALED_SECRETS"
_SCOPES = ("strict", "namespace-wide", "cluster-wide")
_REENCRYPT = "re-encrypt"

_OWN = (
    Flag("allow-empty-data", "bool", "Seal Secrets that have no values"),
    Flag("cert", "string", "File or URL of the certificate to seal with; the cluster is not asked"),
    Flag("controller-name", "string", "Service of the controller", "sealed-secrets-controller"),
    Flag("controller-namespace", "string", "Namespace of the controller", "kube-system"),
    Flag("fetch-cert", "bool", "Print the sealing certificate, to be used with --cert"),
    Flag("format", "string", "Output format, json or yaml", "json", "o"),
    Flag("from-file", "strings", "With --raw: the file with the value, as [key=]path"),
    Flag("help", "bool", "Print this text"),
    Flag("kubeconfig", "string", "kubeconfig file"),
    Flag("merge-into", "string", "Add the sealed values to this SealedSecret file"),
    Flag("name", "string", "Name of the Secret; needed with --raw and scope strict"),
    Flag("raw", "bool", "Seal one value, and print the item"),
    Flag(_REENCRYPT, "bool", "Have the controller seal the values for its newest key"),
    Flag(
        "recovery-private-key",
        "strings",
        "With --recovery-unseal: files with private keys, PEM or key Secrets; repeatable",
    ),
    Flag("recovery-unseal", "bool", "Decrypt SealedSecrets with private keys, without a cluster"),
    Flag("rotate", "bool", "", deprecated="please use --re-encrypt instead", target=_REENCRYPT),
    Flag("scope", "string", "Where the values may be opened", "strict", choices=_SCOPES),
    Flag("sealed-secret-file", "string", "Output file", short="w"),
    Flag("secret-file", "string", "Input file", short="f"),
    Flag("validate", "bool", "Ask the controller whether it can decrypt the SealedSecrets"),
    Flag("version", "bool", "Print the version and exit"),
)
_CLUSTER = (
    Flag("as", "string", "User to impersonate"),
    Flag("as-group", "stringArray", "Group to impersonate; repeatable"),
    Flag("as-uid", "string", "UID to impersonate"),
    Flag("certificate-authority", "string", "CA certificate of the API server"),
    Flag("client-certificate", "string", "Client certificate file"),
    Flag("client-key", "string", "Client key file"),
    Flag("cluster", "string", "Cluster of the kubeconfig"),
    Flag("context", "string", "Context of the kubeconfig"),
    Flag("disable-compression", "bool", "Ask for no compressed answers"),
    Flag("insecure-skip-tls-verify", "bool", "Do not check the API server's certificate"),
    Flag("namespace", "string", "Namespace", short="n"),
    Flag("password", "string", "Password for basic authentication"),
    Flag("proxy-url", "string", "Proxy to the API server"),
    Flag("request-timeout", "string", "Time for one request, such as 10s; 0 is no limit", "0"),
    Flag("server", "string", "Address of the API server"),
    Flag("tls-server-name", "string", "Name expected in the API server's certificate"),
    Flag("token", "string", "Bearer token"),
    Flag("user", "string", "User of the kubeconfig"),
    Flag("username", "string", "User name for basic authentication"),
)
_UNUSED = "Accepted; nothing is logged"
_LOGGING = tuple(
    Flag(name, kind, _UNUSED, default, short, go_flag=True)
    for name, kind, default, short in (
        ("add_dir_header", "bool", "", ""),
        ("alsologtostderr", "bool", "", ""),
        ("alsologtostderrthreshold", "severity", "", ""),
        ("legacy_stderr_threshold_behavior", "bool", "true", ""),
        ("log_backtrace_at", "traceLocation", ":0", ""),
        ("log_dir", "string", "", ""),
        ("log_file", "string", "", ""),
        ("log_file_max_size", "uint", "1800", ""),
        ("logtostderr", "bool", "true", ""),
        ("one_output", "bool", "", ""),
        ("skip_headers", "bool", "", ""),
        ("skip_log_headers", "bool", "", ""),
        ("stderrthreshold", "severity", "2", ""),
        ("v", "Level", "", "v"),
        ("vmodule", "moduleSpec", "", ""),
    )
)


class Options:
    """What was asked for, by the flags' names."""

    def __init__(self, flags: FlagSet) -> None:
        values: dict[str, Any] = flags.values
        self.cert: str = values["cert"]
        self.controller_name: str = values["controller-name"]
        self.controller_namespace: str = values["controller-namespace"]
        self.format: str = values["format"]
        self.format_given = "format" in flags.given
        self.output_file: str = values["sealed-secret-file"]
        self.input_file: str = values["secret-file"]
        self.fetch_cert: bool = values["fetch-cert"]
        self.allow_empty_data: bool = values["allow-empty-data"]
        self.validate: bool = values["validate"]
        self.merge_into: str = values["merge-into"]
        self.raw: bool = values["raw"]
        self.name: str = values["name"]
        self.from_file: list[str] = values["from-file"]
        self.scope: str = values["scope"] or "strict"
        self.re_encrypt: bool = values[_REENCRYPT]
        self.recovery_unseal: bool = values["recovery-unseal"]
        self.recovery_private_key: list[str] = values["recovery-private-key"]
        self.kubeconfig: str = values["kubeconfig"]
        self.help: bool = values["help"]
        self.version: bool = values["version"]
        self.cluster: dict[str, Any] = {flag.name: values[flag.name] for flag in _CLUSTER}
        """kubectl's flags, by name."""


def flag_set() -> FlagSet:
    """All flags, none of them set."""
    return FlagSet((*_OWN, *_CLUSTER, *_LOGGING))


def read(flags: FlagSet, arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Parse; the command line wins over ``SEALED_SECRETS_*``. Raises as ``FlagSet.parse``."""
    flags.read_environment(ENVIRONMENT_PREFIX, environment)
    flags.parse(arguments)
    return Options(flags)
