"""Words of the field for what we call otherwise: other tools' commands, kubeseal's flags."""

from __future__ import annotations

COMMANDS = {
    "add": "set",
    "backup": "keys backup",
    "cat": "get",
    "create": "seal",
    "decrypt": "unseal",
    "delete": "remove",
    "encrypt": "seal",
    "fetch-cert": "cert",
    "genkey": "keygen",
    "help": "--help",
    "install": "git install",
    "lint": "check",
    "list": "keys list",
    "new-key": "rotate",
    "re-encrypt": "reencrypt",
    "recovery-unseal": "unseal",
    "renew": "rotate",
    "reseal": "reencrypt",
    "restore": "keys restore",
    "retire": "keys retire",
    "rm": "remove",
    "scan": "check",
    "show": "get",
    "template": "render",
    "update": "set",
    "validate": "verify",
    "view": "get",
}
KUBESEAL = {
    "--fetch-cert": "seal cert",
    "--from-file": "seal raw",
    "--merge-into": "seal merge INTO SECRET",
    "--raw": "seal raw",
    "--re-encrypt": "seal reencrypt FILE",
    "--recovery-private-key": "seal unseal FILE --key KEY",
    "--recovery-unseal": "seal unseal FILE --key KEY",
    "--rotate": "seal reencrypt FILE",
    "--sealed-secret-file": "-w FILE",
    "--secret-file": "-f FILE",
    "--validate": "seal verify FILE",
}
"""kubeseal's flags that no command of ours has, and what does it here."""
