"""Telling credentials in clear from everything else: by their form first, by their name second."""
