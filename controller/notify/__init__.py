"""Telling people: what fails, recovers or drifts reaches Flux's alerts, Slack, Teams or a webhook.

``notice`` says what is worth telling, ``batch`` gathers it, ``payloads`` writes it as each
receiver reads it (all pure); ``receivers`` reads the configuration, ``notifier`` delivers. Nothing
here ever holds up the work, and no value of a Secret can come here: notices are made of places.
"""
