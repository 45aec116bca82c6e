"""Texts that stand for a value and are none: other tools' ciphertext, references, placeholders."""
