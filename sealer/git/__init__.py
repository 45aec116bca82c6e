"""Git as a program, and its work tree as texts."""
