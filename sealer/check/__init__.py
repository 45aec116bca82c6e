"""What reviews miss: rules over the values of a Git tree and of what kustomize makes of it.

Pure: the edges (``sealer.git.worktree``, ``builds.renderer``, ``run``) bring texts and rendered
objects; ``rules`` says what is wrong with them, where, and how to cure it. No finding holds a
value.
"""
