"""The rules of ``seal check``: what is wrong in a tree and in what its builds make."""
