"""Is this text a credential in clear? By the name it goes by, and by what it looks like.

Used where a manifest may hold anything (Helm values, template text, annotations). A placeholder,
a template action and a reference to a Secret are not credentials.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from sealer.fields import Path

_NAMES = re.compile(
    r"pass(word|wd|phrase|wort)?$|^pwd$|[_.-]pwd$|(^|[_.-])pw$|secrets?$|tokens?$|api[_.-]?keys?$"
    r"|access[_.-]?keys?$|private[_.-]?keys?$|secret[_.-]?keys?$|encryption[_.-]?keys?$"
    r"|account[_.-]?keys?$|signing[_.-]?keys?$|master[_.-]?keys?$|access[_.-]?key[_.-]?id$"
    r"|credentials?$|connection[_.-]?strings?$|webhook[_.-]?url$|htpasswd$|dsn$|salt$",
    re.IGNORECASE,
)
# Names that say where a credential is, and not what it is.
_NOT_NAMES = re.compile(
    r"existing|(name|ref|refs|path|file|dir|mount|key[_.-]?name|enabled|create|length|policy"
    r"|ttl|type|namespace|annotations|labels|image|class|provider|store|url[_.-]?path|expiry"
    r"|expiration|lifetime|rotation|count|size)s?$|^use[A-Z_]|automount|image_?pull_?secrets?$"
    r"|^pullSecrets?$|^secrets$|"
    r"(pull|tls|cert|password|token|key|credentials?)[_-]?secrets?$",
    re.IGNORECASE,
)
# Whoever opens a merge request writes what these look at: each attempt ends where the next one may
# begin, so that they stay linear in the length of a text.
_LOOKS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|-----BEGIN PGP PRIVATE KEY BLOCK-----"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}"
    r"|\bglpat-[\w-]{18,}|\bxox[abprs]-[\w-]{10,}|\bsk_live_[A-Za-z0-9]{16,}"
    r"|\bAGE-SECRET-KEY-1[0-9A-Z]{20,}|hooks\.slack\.com/services/T\w+/B\w+/\w+"
    r"|AccountKey=[A-Za-z0-9+/=]{20,}|SharedAccessKey=[A-Za-z0-9+/=]{20,}"
    r"|\beyJ(?:(?!\beyJ)[\w-]){10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|\bAIza[\w-]{35}\b|\bSG\.[\w-]{20,}\.[\w-]{20,}",
)
_URL_PASSWORD = re.compile(r"(?<=[\w+.-])://[^\s/:@]*:(?P<password>[^\s/@]+)@")
_SOPS = re.compile(r"ENC\[AES256_GCM,data:[\w+/=]*,iv:[\w+/=]+,tag:[\w+/=]+,type:\w+\]", re.ASCII)
_PLACEHOLDER = re.compile(
    r"\$?\$\{(?:(?!\$\{)[^}])*\}|\$\([\w.-]+\)|\{\{(?:(?!\{\{).)*?\}\}|<[^<>\s][^<>]*>|%[A-Z_][A-Z0-9_]*%"
    rf"|{_SOPS.pattern}"
    r"|\$__file\{(?:(?!\$__file\{)[^}])*\}|\bref\+\w+://\S+|\b(?:vault|op|file|env):(?://)?\S*"
    r"|\$[A-Za-z_][A-Za-z0-9_]*",
    re.DOTALL,
)
_BLANK_WORDS = re.compile(
    r"(?i)^(?:|change[_-]?me|replace[_-]?me|to-?do|x{3,}|\*{3,}|redacted|placeholder|none|null"
    r"|true|false|example)$"
)
_LINE = re.compile(r"^\s*(?:export\s+)?[\"']?(?P<name>[\w.-]+)[\"']?\s*[:=]\s*(?P<value>\S.*)$")


def is_placeholder(text: str) -> bool:
    """Whether a text stands for a value that comes from elsewhere, or for none at all."""
    stripped = text.strip().strip("\"'")
    if _BLANK_WORDS.match(stripped):
        return True
    rest = _PLACEHOLDER.sub("", stripped)
    if rest == stripped:
        return False
    # Around placeholders, glue is no credential: URLs, host names, punctuation.
    url = _URL_PASSWORD.search(stripped)
    if url:
        return not _PLACEHOLDER.sub("", url["password"])
    return re.fullmatch(r"[\s\W_]*", rest) is not None or _is_glue(stripped)


def is_sops_value(text: str) -> bool:
    """Whether a text is one value that SOPS encrypted, in its full form."""
    return _SOPS.fullmatch(text.strip()) is not None


def _is_glue(text: str) -> bool:
    """Words of a connection string whose credential parts are placeholders."""
    named = re.findall(r"(?<![\w.-])([\w.-]++)\s*+=\s*([^;\s&]*)", text)
    secrets = [value for name, value in named if is_credential_name(name)]
    return bool(secrets) and all(not _PLACEHOLDER.sub("", value) for value in secrets)


def is_credential_name(name: str) -> bool:
    """Whether what goes by this name is a credential."""
    return bool(_NAMES.search(name)) and not _NOT_NAMES.search(name)


def looks_like_credential(text: str) -> bool:
    """Whether a text is, or holds, something that only credentials look like."""
    if _LOOKS.search(text):
        return True
    return any(not is_placeholder(found["password"]) for found in _URL_PASSWORD.finditer(text))


def is_credential(name: str, value: Any) -> bool:
    """Whether a named value is a credential in clear."""
    if not isinstance(value, str):
        # Numbers, too, are passwords; booleans are switches.
        if isinstance(value, int) and not isinstance(value, bool):
            return is_credential_name(name) and re.search(
                r"pass|pin$|secret$|token$", name, re.IGNORECASE
            ) is not None and value > 999  # fmt: skip
        return False
    if looks_like_credential(value):
        return True
    if not is_credential_name(name) or is_placeholder(value):
        return False
    # "secretKey: password" names the key of a Secret; "accessKey: AKIA..." is one.
    if re.search(r"(?i)(secret|access|api|private|password|token)[_.-]?key$", name):
        return len(value) >= 8 and not re.fullmatch(r"[a-z]+([._-][a-z]+)*", value)
    return True


def in_values(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of credentials in Helm-like values: by key, by name/value pairs, by look."""
    if isinstance(value, dict):
        name, literal = value.get("name"), value.get("value")
        if isinstance(name, str) and is_credential(name, literal):
            yield (*path, "value")
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                yield from in_values(item, (*path, key))
            elif is_credential(str(key), item):
                if not (key == "value" and isinstance(name, str) and is_credential(name, item)):
                    yield (*path, key)
            elif isinstance(item, str) and "\n" in item and in_text(item):
                yield (*path, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str) and (looks_like_credential(item) or _pair(item)):
                yield (*path, index)
            else:
                yield from in_values(item, (*path, index))


def in_text(text: str) -> int | None:
    """The line, from 1, of the first credential in a configuration text; None without one."""
    for number, line in enumerate(text.splitlines(), 1):
        if looks_like_credential(line) or _pair(line):
            return number
    return None


def _pair(line: str) -> bool:
    found = _LINE.match(line)
    if not found or line.lstrip().startswith(("#", ";", "//")):
        return False
    value = found["value"].rstrip().rstrip(",").strip("\"'")
    return is_credential_name(found["name"]) and is_credential(found["name"], value)


def decoded(text: str) -> str:
    """What a Secret's base64 stands for, or the text itself where it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return text
