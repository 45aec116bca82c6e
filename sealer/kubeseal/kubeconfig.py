"""Which cluster, user and namespace a command is for, as client-go's clientcmd decides it.

``KUBECONFIG`` names several files, the first to say something wins; the command line's flags win
over all; inside a pod without a kubeconfig it is the pod's own cluster. Errors are client-go's.
Files are read late: sealing with --cert and a namespace asks for nothing of this.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sealer.errors import ManifestError, SealerError
from sealer.kubeseal.gotext import file_error, quote, yaml_error
from sealer.kubeseal.sealing import Place
from sealer.manifest import read_documents

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_EMPTY = (
    "invalid configuration: no configuration has been provided, "
    "try setting KUBERNETES_MASTER environment variable"
)
_CLUSTER_FLAGS = ("server", "tls-server-name", "proxy-url", "certificate-authority")
_USER_FLAGS = ("token", "username", "password", "client-certificate", "client-key", "as", "as-uid")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}

Entry = dict[str, Any]


class KubeconfigError(SealerError):
    """No usable kubeconfig; the message is client-go's."""


class EmptyKubeconfigError(KubeconfigError):
    """No configuration at all: a pod's own may take its place."""


class Kubeconfig:
    """The merged kubeconfig with the flags on top; ``flags`` are kubectl's, by name."""

    def __init__(
        self, flags: Mapping[str, Any], environment: Mapping[str, str], explicit: str = ""
    ) -> None:
        self._flags, self._environment, self._explicit = flags, environment, explicit
        self._merged: dict[str, Any] | None = None

    def place(self) -> Place:
        """Return the namespace for Secrets without one; raises KubeconfigError."""
        if self._flags["namespace"]:
            return Place(self._flags["namespace"], asked_for=True)
        try:
            self._validate()
        except EmptyKubeconfigError:
            if not self._in_cluster():
                raise
            return Place(self._pod_namespace())
        own = self._context().get("namespace")
        if not own and self._in_cluster():
            return Place(self._pod_namespace())
        return Place(str(own or "default"))

    def resolve(self) -> dict[str, Any]:
        """Return a kubeconfig of the one context that counts; raises KubeconfigError."""
        self._require()
        try:
            self._validate()
        except EmptyKubeconfigError:
            if not self._in_cluster():
                raise
            return _one_context(self._pod_cluster(), {"tokenFile": str(_SERVICE_ACCOUNT / "token")})
        return _one_context(self._cluster(), self._user())

    @property
    def timeout(self) -> float | None:
        """``--request-timeout`` in seconds; None for no limit."""
        return _seconds(self._flags["request-timeout"])

    def _load(self) -> dict[str, Any]:
        if self._merged is None:
            self._merged = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
            for path in self._paths():
                _merge(self._merged, _read(path))
        return self._merged

    def _paths(self) -> list[Path]:
        if self._explicit:
            try:
                Path(self._explicit).stat()
            except OSError as error:
                raise KubeconfigError(file_error("stat", self._explicit, error)) from None
            return [Path(self._explicit)]
        named = self._environment.get("KUBECONFIG", "")
        home = self._environment.get("HOME", "")
        paths = [Path(part) for part in named.split(os.pathsep) if part]
        if not named and home:
            paths = [Path(home) / ".kube" / "config"]
        return [path for path in paths if path.exists()]

    def _context_name(self) -> str:
        return str(self._flags["context"] or self._load()["current-context"])

    def _context(self) -> Entry:
        found: Entry = self._load()["contexts"].get(self._context_name(), {})
        return found

    def _name(self, kind: str) -> str:
        return str(self._flags[kind] or self._context().get(kind) or "")

    def _cluster(self) -> Entry:
        server = self._environment.get("KUBERNETES_MASTER", "")
        entry = {"server": server} if server else {}
        entry |= self._load()["clusters"].get(self._name("cluster"), {})
        flags = {key: self._flags[key] for key in _CLUSTER_FLAGS if self._flags[key]}
        if "server" in flags:
            entry.pop("tls-server-name", None)
        if "certificate-authority" in flags or self._flags["insecure-skip-tls-verify"]:
            for key in ("certificate-authority", "certificate-authority-data"):
                entry.pop(key, None)
            entry["insecure-skip-tls-verify"] = self._flags["insecure-skip-tls-verify"]
        return {**entry, **flags}

    def _user(self) -> Entry:
        entry: Entry = dict(self._load()["users"].get(self._name("user"), {}))
        flags = {key: self._flags[key] for key in _USER_FLAGS if self._flags[key]}
        for key in ("client-certificate", "client-key"):
            if key in flags:
                entry.pop(f"{key}-data", None)
        if self._flags["as-group"]:
            flags["as-groups"] = self._flags["as-group"]
        return {**entry, **flags}

    def _require(self) -> None:
        """Names that were asked for must be there."""
        config = self._load()
        for kind, section, word in (
            ("user", "users", "auth info"),
            ("context", "contexts", "context"),
            ("cluster", "clusters", "cluster"),
        ):
            name = self._flags[kind]
            if name and name not in config[section]:
                raise KubeconfigError(f"{word} {quote(name)} does not exist")

    def _validate(self) -> None:
        faults = []
        name = self._context_name()
        if name and name not in self._load()["contexts"]:
            faults.append(f"context was not found for specified context: {name}")
        faults += _user_faults(self._name("user"), self._user())
        cluster = self._cluster()
        if not cluster:
            if not faults:
                raise EmptyKubeconfigError(_EMPTY)
            faults.append("cluster has no server defined")
        else:
            faults += _cluster_faults(self._name("cluster"), cluster)
        if faults:
            listed = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
            raise KubeconfigError(f"invalid configuration: {listed}")

    def _in_cluster(self) -> bool:
        variables = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
        return (
            all(self._environment.get(name) for name in variables)
            and (_SERVICE_ACCOUNT / "token").is_file()
        )

    def _pod_namespace(self) -> str:
        try:
            own = (_SERVICE_ACCOUNT / "namespace").read_text().strip()
        except OSError:
            own = ""
        return self._environment.get("POD_NAMESPACE") or own or "default"

    def _pod_cluster(self) -> Entry:
        host = self._environment["KUBERNETES_SERVICE_HOST"]
        host = f"[{host}]" if ":" in host else host
        return {
            "server": f"https://{host}:{self._environment['KUBERNETES_SERVICE_PORT']}",
            "certificate-authority": str(_SERVICE_ACCOUNT / "ca.crt"),
        }


def _one_context(cluster: Entry, user: Entry) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "context",
        "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
    }


def _read(path: Path) -> Entry:
    try:
        text = path.read_text()
    except OSError as error:
        reason = file_error("open", str(path), error)
        raise KubeconfigError(f"error loading config file {quote(str(path))}: {reason}") from None
    except UnicodeDecodeError:
        problem = f"error loading config file {quote(str(path))}: yaml: invalid UTF-8"
        raise KubeconfigError(problem) from None
    try:
        values = [one.value for one in read_documents(text, "kubeconfig") if not one.is_empty]
    except ManifestError as error:
        problem = f"error loading config file {quote(str(path))}: {yaml_error(error)}"
        raise KubeconfigError(problem) from None
    except SealerError as error:
        problem = f"error loading config file {quote(str(path))}: {error.message}"
        raise KubeconfigError(problem) from None
    value = values[0] if values else {}
    if not isinstance(value, dict):
        problem = f"error loading config file {quote(str(path))}: it is not a mapping"
        raise KubeconfigError(problem)
    for section, kind in _SECTIONS.items():
        listed = value.get(section) or []
        fits = isinstance(listed, list) and all(
            isinstance(item, dict) and isinstance(item.get(kind) or {}, dict) for item in listed
        )
        if not fits:
            problem = f"error loading config file {quote(str(path))}: bad {section}"
            raise KubeconfigError(problem)
    return _absolute(value, path.absolute().parent)


def _absolute(config: Entry, folder: Path) -> Entry:
    """Paths in a kubeconfig count from its own folder."""
    for section, kind in _SECTIONS.items():
        for item in config.get(section) or []:
            entry = item.get(kind) or {}
            for key in _FILES:
                if entry.get(key):
                    entry[key] = os.path.normpath(folder / entry[key])
            command = (entry.get("exec") or {}).get("command", "")
            if os.sep in command:
                entry["exec"]["command"] = os.path.normpath(folder / command)
    return config


def _merge(merged: dict[str, Any], config: Entry) -> None:
    for section, kind in _SECTIONS.items():
        for item in config.get(section) or []:
            merged[section].setdefault(str(item.get("name", "")), dict(item.get(kind) or {}))
    merged["current-context"] = merged["current-context"] or config.get("current-context") or ""


def _cluster_faults(name: str, cluster: Entry) -> list[str]:
    faults = []
    if not cluster.get("server"):
        faults.append(
            f"no server found for cluster {quote(name)}"
            if name
            else "default cluster has no server defined"
        )
    path = cluster.get("certificate-authority")
    if path and cluster.get("certificate-authority-data"):
        faults.append(
            "certificate-authority-data and certificate-authority are both specified for "
            f"{name}. certificate-authority-data will override."
        )
    return faults + _unreadable("certificate-authority", path, name)


def _user_faults(name: str, user: Entry) -> list[str]:
    faults = []
    if user.get("client-certificate") or user.get("client-certificate-data"):
        if not (user.get("client-key") or user.get("client-key-data")):
            faults.append(
                f"client-key-data or client-key must be specified for {name} "
                "to use the clientCert authentication method."
            )
        faults += _unreadable("client-cert", user.get("client-certificate"), name)
        faults += _unreadable("client-key", user.get("client-key"), name)
    basic = user.get("username") or user.get("password")
    if user.get("token") and basic:
        faults.append(
            f"more than one authentication method found for {name}; "
            "found [token basicAuth], only one is allowed"
        )
    if (user.get("as-uid") or user.get("as-groups")) and not user.get("as"):
        faults.append(
            f"requesting uid, groups or user-extra for {name} without impersonating a user"
        )
    return faults


def _unreadable(what: str, path: str | None, name: str) -> list[str]:
    if not path:
        return []
    try:
        with open(path, "rb"):  # noqa: PTH123 its errors name the path as it was given
            return []
    except OSError as error:
        return [f"unable to read {what} {path} for {name} due to {file_error('open', path, error)}"]


def _seconds(text: str) -> float | None:
    units = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
    if text.isascii() and text.isdigit():
        return float(text) or None
    total, rest = 0.0, text
    while rest:
        number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(number) :]
        unit = rest[: len(rest) - len(rest.lstrip("nuµmsh"))]
        rest = rest[len(unit) :]
        if unit not in units or not number.strip(".") or number.count(".") > 1:
            break
        total += float(number) * units[unit]
    else:
        if text:
            return total or None
    raise KubeconfigError(
        "Invalid timeout value. Timeout must be a single integer in seconds, or an integer "
        "followed by a corresponding time unit (e.g. 1s | 2m | 3h)"
    )
