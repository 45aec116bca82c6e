"""PURE: every reason there is, a row each: conditions, Events, metrics and notifications read it.

A new reason is a new row here and a line on its page: docs/controller.md for SealedSecrets and
Events, docs/key-vault-reasons.md for the Key Vault half, docs/notifications.md for what people are
told. Tests hold the pages to the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, StrEnum, auto
from typing import Self

ERROR, INFO = "error", "info"
_VAULTS = ("KeyVault", "ClusterKeyVault")
_SEE = "see the status of the object"


class Whose(Flag):
    """Where a reason is shown."""

    SEALED = auto()
    """Conditions of SealedSecrets."""
    FILLED = auto()
    """Ready of KeyVaultSecrets."""
    EXPIRING = auto()
    """Expiring of KeyVaultSecrets."""
    VAULT = auto()
    """Ready of KeyVaults and ClusterKeyVaults."""
    LISTING = auto()
    """Listing of them, where all is well."""
    EVENT = auto()
    """Events that name what happened and not a condition's reason."""
    NOTICE = auto()
    """Notifications alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a reason means."""

    whose: Whose
    final: bool = False
    """Whether only a person can cure it: Stalled for kstatus, and a longer back-off."""
    passing: bool = False
    """Whether a Secret that is there as it was written stays Ready for a while in spite of it."""
    severity: str = ""
    """Of its notification: ``error`` (its Event is a Warning), ``info``, or none."""
    failing: bool = False
    """Whether the object is broken until it recovers."""
    title: str = ""
    """What a notification says; the reason in words where this is empty."""
    cure: str = _SEE
    """What to do, as a notification says it."""
    counted: str = ""
    """The peer's word in ``unseal_errors_total``: fetch, unmanaged, unseal or update."""


def _unseal(cure: str = _SEE) -> Row:
    return Row(Whose.SEALED, final=True, cure=cure, counted="unseal")


def _update(cure: str = _SEE, counted: str = "update") -> Row:
    return Row(Whose.SEALED, final=True, cure=cure, counted=counted)


def _trouble(whose: Whose, *, final: bool = False, passing: bool = False) -> Row:
    """Of the Key Vault half; what people are told of it."""
    return Row(whose, final=final, passing=passing, severity=ERROR, failing=True)


class Reason(StrEnum):
    """One word in CamelCase, with its row."""

    row: Row

    def __new__(cls, word: str, row: Row) -> Self:
        one = str.__new__(cls, word)
        one._value_ = word
        one.row = row
        return one

    # What went well.
    SYNCED = "Synced", Row(Whose.SEALED | Whose.FILLED)
    READY = "Ready", Row(Whose.VAULT)
    LISTED = "Listed", Row(Whose.LISTING)

    # What does not open.
    NO_KEY = (
        "NoKey",
        _unseal("seal it anew for this cluster, name and namespace, or restore its key"),
    )
    DAMAGED = "Damaged", _unseal("seal it anew: the ciphertext was changed or cut")
    TEMPLATE_FAILED = (
        "TemplateFailed",
        Row(
            Whose.SEALED | Whose.FILLED,
            final=True,
            severity=ERROR,
            failing=True,
            cure="mend the template; seal render shows what it makes",
            counted="unseal",
        ),
    )
    MALFORMED = "Malformed", _unseal("mend the manifest; seal check shows where")
    UNSEAL_ERROR = "UnsealFailed", _unseal()

    # What opens, and cannot be written.
    UNMANAGED = (
        "Unmanaged",
        _update("delete that Secret, or annotate it as managed", counted="unmanaged"),
    )
    REFUSED = "Refused", _update()
    INVALID = "Invalid", _update("mend the manifest: the API server refuses the Secret")
    CONFLICT = "Conflict", Row(Whose.SEALED | Whose.FILLED, passing=True, counted="fetch")
    UNAVAILABLE = "Unavailable", Row(Whose.SEALED, counted="fetch")
    CLUSTER_ERROR = (
        "ClusterError",
        Row(
            Whose.SEALED | Whose.FILLED,
            passing=True,
            severity=ERROR,
            failing=True,
            counted="fetch",
        ),
    )

    # Of the manifests of the Key Vault half, and who may have what.
    INVALID_SPEC = "InvalidSpec", _trouble(Whose.FILLED | Whose.VAULT, final=True)
    NOT_ALLOWED = "NotAllowed", _trouble(Whose.FILLED, final=True)
    VAULT_NOT_FOUND = "VaultNotFound", _trouble(Whose.FILLED, passing=True)
    VAULT_NOT_READY = "VaultNotReady", _trouble(Whose.FILLED, passing=True)
    INTERNAL_ERROR = "InternalError", _trouble(Whose.FILLED | Whose.VAULT)

    # What a vault answers.
    INVALID_URL = "InvalidUrl", _trouble(Whose.VAULT, final=True)
    UNKNOWN_CLOUD = "UnknownCloud", _trouble(Whose.VAULT, final=True)
    TOKEN_REQUEST_DENIED = "TokenRequestDenied", _trouble(Whose.VAULT)
    FEDERATION_REJECTED = "FederationRejected", _trouble(Whose.VAULT)
    FORBIDDEN = "Forbidden", _trouble(Whose.VAULT)
    FIREWALL = "Firewall", _trouble(Whose.VAULT)
    THROTTLED = "Throttled", _trouble(Whose.FILLED | Whose.VAULT, passing=True)
    UNREACHABLE = "Unreachable", _trouble(Whose.FILLED | Whose.VAULT, passing=True)
    FUSE = "Fuse", _trouble(Whose.FILLED | Whose.VAULT, passing=True)
    OBJECT_NOT_FOUND = "ObjectNotFound", _trouble(Whose.FILLED, passing=True)
    OBJECT_DISABLED = "ObjectDisabled", _trouble(Whose.FILLED, passing=True)

    # What is made of it.
    BAD_VALUE = "BadValue", _trouble(Whose.FILLED, final=True)
    KEY_CONFLICT = "KeyConflict", _trouble(Whose.FILLED, final=True)
    TARGET_NOT_OWNED = "TargetNotOwned", _trouble(Whose.FILLED, final=True)
    TARGET_NOT_FOUND = "TargetNotFound", _trouble(Whose.FILLED)
    TARGET_IMMUTABLE = "TargetImmutable", _trouble(Whose.FILLED, final=True)
    TARGET_TYPE_REFUSED = "TargetTypeRefused", _trouble(Whose.FILLED, final=True)
    EXPIRED = "Expired", _trouble(Whose.EXPIRING)
    EXPIRES_SOON = "ExpiresSoon", _trouble(Whose.EXPIRING)
    NOT_YET_VALID = "NotYetValid", _trouble(Whose.EXPIRING)

    # What happened; the peer's words where it has one.
    UNSEALED = "Unsealed", Row(Whose.EVENT)
    UNSEAL_FAILED = (
        "ErrUnsealFailed",
        Row(Whose.EVENT, severity=ERROR, failing=True, title="cannot be unsealed"),
    )
    UPDATE_FAILED = (
        "ErrUpdateFailed",
        Row(Whose.EVENT, severity=ERROR, failing=True, title="cannot be written"),
    )
    DRIFT_CORRECTED = (
        "DriftCorrected",
        Row(
            Whose.EVENT,
            severity=INFO,
            title="its Secret was edited and is restored",
            cure="change the SealedSecret, not the Secret",
        ),
    )
    DRIFT_DETECTED = (
        "DriftDetected",
        Row(
            Whose.EVENT,
            severity=ERROR,
            title="its Secret was edited and is left so",
            cure="change the SealedSecret, or let --drift=revert restore it",
        ),
    )
    KEY_RENEWED = (
        "KeyRenewed",
        Row(
            Whose.EVENT,
            severity=INFO,
            title="a new sealing key",
            cure="fetch the new certificate where it is kept in files",
        ),
    )
    KEY_ADOPTED = (
        "KeyAdopted",
        Row(
            Whose.EVENT,
            severity=ERROR,
            title="a sealing key that the controller did not make",
            cure="if nobody of yours put it there, retire it: seal keys retire",
        ),
    )
    KEY_REJECTED = (
        "KeyRejected",
        Row(
            Whose.EVENT,
            severity=ERROR,
            title="a key Secret that cannot be used",
            cure="restore or delete that key Secret",
        ),
    )
    CERTIFICATE_EXPIRING = (
        "CertificateExpiring",
        Row(
            Whose.EVENT,
            severity=ERROR,
            title="the sealing certificate expires soon",
            cure="let the controller renew it, or rotate by hand",
        ),
    )
    RECOVERED = "Recovered", Row(Whose.NOTICE, severity=INFO, title="works again", cure="")

    @classmethod
    def of(cls, word: str) -> Reason | None:
        """The reason of this word; None for one that a status has from somebody else."""
        return next((one for one in cls if one.value == word), None)

    @property
    def is_warning(self) -> bool:
        """Whether something is wrong."""
        return self.row.severity == ERROR

    def on(self, kind: str) -> str:
        """How Events and notifications about an object of this kind have it.

        A vault's words begin with Vault, to be told from those of the KeyVaultSecrets that use it.
        """
        return f"Vault{self}" if kind in _VAULTS else self.value

    @property
    def for_users(self) -> Reason:
        """What it is for a KeyVaultSecret where it comes from the vault.

        What is wrong with the vault itself stands in the vault's own status.
        """
        shown = Whose.FILLED in self.row.whose and (self.row.final or self.row.passing)
        return self if shown else Reason.VAULT_NOT_READY
