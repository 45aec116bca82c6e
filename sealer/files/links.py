"""Does a path leave the repository that it is in? A tree may be a stranger's, and links are his.

Whoever can put a link into a tree must not choose a file of somebody else's that is written.
"""

from __future__ import annotations

import os


def leaves_repository(path: str) -> bool:
    """Whether a path that lies in a repository, as it is spelt, leads to a place outside of it.

    Every folder of the path with a ``.git`` counts: a link may lead into another repository.
    """
    spelt = os.path.abspath(path)  # noqa: PTH100 pathlib costs 5 ms at start
    real = os.path.realpath(spelt)
    if real == spelt:
        return False
    folder = os.path.dirname(spelt)  # noqa: PTH120
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118
            root = os.path.realpath(folder)
            if os.path.commonpath((root, real)) != root:
                return True
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120
        if folder == below:
            return False
