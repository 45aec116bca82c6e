"""``.seal.toml``: which certificate, scope and output each path of a repository has."""
