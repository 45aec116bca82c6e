"""What the API server said no to, by class: what is worth another try, and what is not."""

from __future__ import annotations

from sealer.errors import SealerError


class ClusterError(SealerError):
    """The API server says no, or nothing; ``status`` is HTTP's, 0 for no answer."""

    status = 0
    retry_after: float | None = None


class NotFoundError(ClusterError):
    """404."""


class AlreadyExistsError(ClusterError):
    """409 on create."""


class ConflictError(ClusterError):
    """409 on update: somebody else was faster. Read again, decide again."""


class InvalidError(ClusterError):
    """400, 413 or 422: the API server will never take it."""


class ForbiddenError(ClusterError):
    """401 or 403."""


class GoneError(ClusterError):
    """410: the resource version is too old; list again."""


class UnavailableError(ClusterError):
    """429, 5xx, a time-out or no connection: later it may work."""
