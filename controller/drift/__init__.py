"""Secrets that somebody else edits: who it was, and how often they are put right."""
