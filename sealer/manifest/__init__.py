"""Manifests: text to documents and back, multi-document, with line numbers and exact edits.

The only place that knows YAML. It refuses what Kubernetes would silently read otherwise than it
looks, and quotes no text in an error: a manifest is a secret until proven sealed.
"""

from sealer.errors import dotted
from sealer.fields import Path
from sealer.manifest.document import Document, Resource, read_documents
from sealer.manifest.dump import to_json, to_yaml

__all__ = [
    "Document",
    "Path",
    "Resource",
    "dotted",
    "read_documents",
    "to_json",
    "to_yaml",
]
