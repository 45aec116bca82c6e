"""The commands that change what is sealed: values, edits, merges and diffs, with the real git."""
