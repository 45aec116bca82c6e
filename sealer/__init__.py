"""Seal Kubernetes Secrets for Git and unseal them again, as Bitnami Sealed Secrets does."""

from __future__ import annotations

__version__ = "0.1.0"
