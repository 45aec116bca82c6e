"""The page that seals in a browser: one file, made of readable sources in ``web``.

``clusters`` says for whom it seals, ``modules`` joins the sources, ``document`` puts all into one
file and reads it back. Nothing in it depends on the time, the machine or chance, so that anybody
can make the same page again and compare.
"""

from __future__ import annotations

from sealer.page.clusters import Cluster, named
from sealer.page.document import PageError, build, clusters_in, version_in

__all__ = ["Cluster", "PageError", "build", "clusters_in", "named", "version_in"]
