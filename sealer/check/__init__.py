"""What reviews miss: rules over the values of a Git tree and of what kustomize makes of it.

Pure: the edges (``sealer.git.worktree``, ``sealer.kustomize``) bring texts and rendered objects; the
modules here say what is wrong with them, where, and how to cure it. No finding holds a value.
"""
