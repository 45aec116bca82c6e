"""PURE: what the states of objects and the errors of an attempt mean for a KeyVaultSecret."""

from __future__ import annotations

from controller.api.errors import ClusterError, ConflictError, InvalidError, NotFoundError
from controller.conditions import Outcome
from controller.keyvault.status.status import SYNCED, told
from controller.keyvault.target.desired import ObjectState
from controller.keyvault.target.ownership import TargetError
from controller.keyvault.target.values import BadValueError
from controller.keyvault.vault import VaultError
from controller.reasons import Reason
from sealer.errors import ManyErrors, SealerError, TemplateError, TokenTypeError


class WaitingError(SealerError):
    """The vault cannot be asked now; carries what to tell."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def waiting(error: VaultError) -> WaitingError:
    """What a vault's error means where nothing can go on without the answer."""
    return WaitingError(told(error, error.reason.for_users))


def outcome_of(states: tuple[ObjectState, ...]) -> Outcome:
    """Synced, or what is worst of the objects."""
    blocking = [state for state in states if state.blocking]
    bad = blocking or [state for state in states if state.reason]
    if not bad:
        return SYNCED
    reason = bad[0].reason.for_users if bad[0].reason else Reason.VAULT_NOT_READY
    message = "; ".join(f"{state.ref}: {state.message}" for state in bad[:10])
    return Outcome(reason, message)


def refused(error: SealerError, states: tuple[ObjectState, ...]) -> Outcome:
    """What an error of writing means: what is gone from the vault is told before what follows."""
    found = explain(error)
    cause = outcome_of(states)
    if not isinstance(error, InvalidError) or cause.ok:
        return found
    return Outcome(
        cause.reason, f"{cause.message}; and the Secret cannot do without: {found.message}"
    )


def explain(error: SealerError) -> Outcome:
    if isinstance(error, TargetError):
        return told(error, error.reason)
    if isinstance(error, VaultError):
        return waiting(error).outcome
    parts = error.errors if isinstance(error, ManyErrors) else (error,)
    if all(isinstance(one, TokenTypeError) for one in parts):
        return told(error, Reason.TARGET_TYPE_REFUSED)
    first = parts[0]
    if isinstance(first, TemplateError):
        return told(error, Reason.TEMPLATE_FAILED)
    if isinstance(error, BadValueError):
        return told(error, Reason.BAD_VALUE)
    if isinstance(error, ConflictError):
        return told(error, Reason.CONFLICT)
    if isinstance(error, NotFoundError):
        return told(error, Reason.TARGET_NOT_FOUND)
    if isinstance(error, InvalidError):
        return told(error, Reason.INVALID_SPEC)
    if isinstance(error, ClusterError):
        return told(error, Reason.CLUSTER_ERROR)
    return told(error, Reason.INVALID_SPEC)


def internal(error: Exception) -> Outcome:
    """A fault of ours: its class and no more, since what it quotes might be a value."""
    name = type(error).__name__
    return Outcome(
        Reason.INTERNAL_ERROR, f"the controller failed ({name}); it tries again, please report it"
    )
