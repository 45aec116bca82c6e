"""Vault addresses: which hosts may be asked at all, and which cloud's authority they trust.

A KeyVault's URL is written by whoever may write in a namespace, and the controller sends
requests and tokens to it. So only https, nothing but a host, and only hosts below the suffixes
of Azure's clouds or of ``--vault-suffixes``: a guard against requests to the controller's own
network (SSRF) and against tokens that leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sealer.errors import SealerError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_URL = re.compile(r"https://([^/?#@\s]+)/?", re.ASCII)
_ENDPOINT = re.compile(r"(?P<host>[^:]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_VAULT_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{1,22})[a-z0-9]")


class AddressError(SealerError):
    """A vault URL that will not be asked; ``reason``: InvalidUrl or UnknownCloud."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Azure's clouds: the DNS suffix of its vaults and its token authority."""

    name: str
    """As ``az cloud set --name`` takes it."""
    suffix: str
    authority: str


# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates (DNS
# suffixes) and azure.identity.AzureAuthorityHosts.
PUBLIC = Cloud("AzureCloud", "vault.azure.net", "https://login.microsoftonline.com")
CLOUDS = (
    PUBLIC,
    Cloud("AzureUSGovernment", "vault.usgovcloudapi.net", "https://login.microsoftonline.us"),
    Cloud("AzureChinaCloud", "vault.azure.cn", "https://login.chinacloudapi.cn"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """A vault's address, checked. ``cloud`` is None below a suffix of ``--vault-suffixes``."""

    url: str
    """``https://host`` or ``https://host:port``, lower case, without a slash at the end."""
    host: str
    cloud: Cloud | None

    @property
    def vault(self) -> str:
        """The vault's own name: the first label."""
        return self.host.split(".", 1)[0]

    def authority(self, override: str | None = None) -> str:
        """The token authority: the cloud's, or the override (``AZURE_AUTHORITY_HOST``).

        An override that is one of Azure's own clouds is only the place where the cluster runs,
        and does not change where another cloud's vaults get their tokens.
        """
        override = (override or "").rstrip("/")
        if override and "://" not in override:
            override = f"https://{override}"
        foreign = override and override not in {cloud.authority for cloud in CLOUDS}
        if self.cloud is None:
            return override or PUBLIC.authority
        return override if foreign else self.cloud.authority


def parse(url: str, suffixes: Iterable[str] = ()) -> Address:
    """Check a vault URL; ``suffixes`` are ``--vault-suffixes`` on top of Azure's clouds.

    A suffix is ``name`` or ``name:port``, matched at a label boundary; without a port it allows
    443 alone. Raises AddressError.
    """
    match = _URL.fullmatch(url)
    endpoint = _ENDPOINT.fullmatch(match[1].lower()) if match else None
    if endpoint is None or not _HOST.fullmatch(endpoint["host"]):
        raise AddressError(
            "the URL must be https://<vault>.<suffix>, without user, path, query or fragment",
            reason="InvalidUrl",
            hint="copy the Vault URI from the portal or from az keyvault show",
        )
    host, port = endpoint["host"], int(endpoint["port"] or 443)
    if not 0 < port < 65536:
        raise AddressError("the URL's port is no port", reason="InvalidUrl")
    address = f"https://{host}" + (f":{port}" if port != 443 else "")
    for cloud in CLOUDS:
        if port == 443 and _is_below(host, cloud.suffix):
            if host.count(".") != cloud.suffix.count(".") + 1:
                break
            if not _VAULT_LABEL.fullmatch(host.split(".", 1)[0]):
                raise AddressError("no vault can have this name", reason="InvalidUrl")
            return Address(address, host, cloud)
    for suffix in suffixes:
        name, _, wanted = suffix.strip().lower().removeprefix(".").partition(":")
        if name and port == int(wanted or 443) and _is_below(host, name):
            return Address(address, host, None)
    known = ", ".join(cloud.suffix for cloud in CLOUDS)
    raise AddressError(
        f"the host {endpoint[0]} is in no cloud that is allowed here",
        reason="UnknownCloud",
        hint=f"vaults are below {known}; others need the controller's --vault-suffixes",
    )


def _is_below(host: str, suffix: str) -> bool:
    return host.endswith("." + suffix)
