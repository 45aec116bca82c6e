"""What a value looks like, whatever it is called: a known token, words, a duration, chance.

Token shapes: gitleaks, ``config/gitleaks.toml`` at commit 009e025 (compared on 2026-11-29), of
which those are taken that a fixed prefix makes certain; the rules that go by a vendor's name
beside any hexadecimal text are left to the entropy below. Its generic rule asks for 3.5 bits a
character in ten characters and more; the same is asked here of texts that are no words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import Enum

# Whoever opens a merge request writes what these look at: each attempt ends where the next one may
# begin, so that they stay linear in the length of a text.
TOKENS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|-----BEGIN PGP PRIVATE KEY BLOCK-----"
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)(?![0-9A-Z]{9}EXAMPLE\b)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}"
    r"|\bgl(?:pat|ptt|dt|rt|ft|soat|cbt|agent|imt|oas)-[\w-]{18,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{10,}"
    r"|\b[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9]{20,}"
    r"|\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/T\w+/\w+/\w+"
    r"|AccountKey=[A-Za-z0-9+/=]{20,}|SharedAccessKey=[A-Za-z0-9+/=]{20,}"
    r"|\beyJ(?:(?!\beyJ)[\w-]){10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|\bAIza[\w-]{35}\b"
    r"|\bSG\.[\w-]{20,}\.[\w-]{20,}|\bsk-ant-[a-z]+\d\d-[\w-]{20,}|\bsk-proj-[\w-]{20,}"
    r"|\bhv[sb]\.[\w-]{24,}|\bd(?:op|oo|or)_v1_[a-f0-9]{64}\b|\bdapi[a-f0-9]{32}\b"
    r"|\bdp\.pt\.[A-Za-z0-9]{43}|\bdt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"
    r"|\bglsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|\bglc_[A-Za-z0-9+/]{32,}"
    r"|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-AgEIcHlwaS5vcmc[\w-]{20,}|\brubygems_[a-f0-9]{48}\b"
    r"|\bhf_[A-Za-z]{34}\b|\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b|\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"
    r"|\bsntry[su]_[\w+/=-]{40,}|\blin_api_[A-Za-z0-9]{40}\b|\bpul-[a-f0-9]{40}\b"
    r"|\bxkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}\b|\bsq0atp-[\w-]{22,}|\bNRAK-[A-Z0-9]{27}\b"
    r"|\bAKCp[A-Za-z0-9]{69}\b|\bops_eyJ[A-Za-z0-9+/=]{60,}|\btfp_[\w.=-]{59}\b"
    r"|\bdckr_(?:pat|oat)_[\w-]{20,}|\bPuTTY-User-Key-File-[23]:"
    r"|discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,}"
    r"|\b[\w~.]{3}\dQ~[\w~.-]{31,34}"
)


class Form(Enum):
    """What a text is by its form."""

    CHANCE = "chance"
    """As only a generator, or somebody who thinks of a password, writes it."""
    WORD = "word"
    WORDS = "words"
    """Words with hyphens, dots, underscores or humps: a name."""
    VARIABLE = "variable"
    """An environment variable's name."""
    PROSE = "prose"
    SETTING = "setting"
    """A duration, size, version, number, address, path, or image."""
    PATH = "path"
    URL = "url"
    DIGITS = "digits"
    OTHER = "other"


_UNIT = (
    r"(?:[nuµm]?s|m|h|d|w|y|secs?|seconds?|mins?|minutes?|hours?|hrs?|days?|weeks?|months?|years?"
    r"|[KMGTP]i?B?|bytes?|bits?|%)"
)
_SETTING = re.compile(
    rf"(?i:\d+(?:\.\d+)?\s?{_UNIT}(?:\s?\d+(?:\.\d+)?\s?{_UNIT}){{0,5}})|P(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?|@\w+"
    r"|v?\d{1,5}(?:\.\w{1,16}){1,4}(?:[-+][\w.]{1,24})?|[a-z][a-z0-9-]*[@:]v?\d+(?:\.[\w-]{1,16}){1,4}"
    r"|\d{4}-\d\d-\d\d(?:[T ][\d:.Z+-]*)?|(?:\d{1,3}\.){3}\d{1,3}(?:[:/]\d+)?"
    r"|(?:HS|RS|ES|PS)(?:256|384|512)|(?:aes|rsa|ed|sha|ec|ecdsa|x)[-_]?\d{3,5}(?:[-_]\w{2,8}){0,2}"
    r"|(?:tcp|udp|sctp|https?|grpc)/\d{1,5}|\d+(?:\.\d+)?e[+-]?\d{1,2}|0x[0-9A-F]{8}(?:[0-9A-F]{8})?"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:\.pub)?|__(?:Host|Secure)-[\w-]{1,60}|\[[A-Z_]{2,16}\]"
    # Public halves: age's recipients, OpenSSH's lines.
    r"|age1[02-9ac-hj-np-z]{58}|(?:ssh|ecdsa|sk)-[\w@.-]{3,60} AAAA[A-Za-z0-9+/=]+(?: \S{1,99})?"
    # Places in a document, and patterns that a value is held to.
    r"|\$?\{?(?:\.[A-Za-z_]\w{0,60}(?:\[[\d*]{1,4}\])?){2,20}\}?"
    r"|[a-z]\w{0,60}(?:(?:\[[\d*]{1,4}\])?\.[A-Za-z_]\w{0,60}){2,20}(?:\[[\d*]{1,4}\])?"
    r"|\^(?:[^\\\[\]]|\\.|\[[^\]]{1,99}\]){0,99}(?:[\]).][*+?]|\{\d{1,4},?\d{0,4}\})\$"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[\*\d,/-]+(?: [\*\d,/-]+){4}",
)
_FILE = re.compile(
    r"[\w.-]+\.(?:json|ya?ml|pem|crt|cer|der|key|pub|txt|p12|pfx|jks|conf|cfg|ini|env|token|asc|gpg"
    r"|properties|xml|toml|sh|sql|csv|log|db|sock|tpl|j2|tf|go|py|js|php|rb|java|md)"
)
_PORT = re.compile(r":\d{1,5}$")
_SPLIT = re.compile(r"[-_./:#@,]+")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_CONSONANTS = re.compile(r"(?i)[bcdfghjklmnpqrstvwxz]{6,}")
_NUMBERED = re.compile(r"[A-Za-z]{1,10}\d{1,3}|[a-z]\d{1,2}[a-z]{1,2}|v\d+(?:alpha|beta|rc)\d*")
_MIN_BITS = 3.5
_MAX_TEXT = 2000


def form_of(text: str) -> Form:
    """The form of a text of one line, stripped and without quotes."""
    if len(text) > _MAX_TEXT:
        return Form.OTHER if re.search(r"\s", text) else Form.CHANCE
    if text.isdigit():
        return Form.DIGITS if len(text) > 3 else Form.SETTING
    if re.fullmatch(r"[A-Za-z][\w+.-]*://\S+", text):
        return Form.URL
    if len(text) < 200 and _SETTING.fullmatch(text):
        return Form.SETTING
    if _is_path(text):
        return Form.PATH
    if " " in text:
        return Form.PROSE if _is_prose(text) else Form.OTHER
    if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", text) and _is_name(text):
        return Form.VARIABLE
    if _is_name(text):
        return Form.WORDS if len(_parts(text)) > 1 else Form.WORD
    return Form.CHANCE if len(text) >= 8 and _looks_random(text) else Form.OTHER


def bits(text: str) -> float:
    """Shannon's entropy of a text, in bits a character."""
    size = len(text)
    counts = Counter(text).values()
    return -sum(count / size * math.log2(count / size) for count in counts) if size else 0.0


def _looks_random(text: str) -> bool:
    """Nothing that is written as words: enough signs of more than one kind, or enough chance."""
    kinds = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]", r"[^\w\s]"))
    return kinds > 1 or (len(text) >= 10 and bits(text) >= _MIN_BITS)


def _is_path(text: str) -> bool:
    if re.match(r"[A-Za-z]:\\|\\\\\w", text):
        return True
    if _FILE.fullmatch(text.rpartition("/")[2]) and _is_name(text.strip("./~")):
        return True
    return re.match(r"(?:~|\.{1,2})?/", text) is not None and _is_name(text.strip("./~"))


def _is_prose(text: str) -> bool:
    words = text.split()
    plain = sum(
        bool(re.fullmatch(r"[\"'(`]*[A-Za-z][A-Za-z'/-]*[\"').,:;!?`]*", one)) for one in words
    )
    return len(words) > 2 and plain >= len(words) * 0.7


def _parts(text: str) -> list[str]:
    return [hump for part in _SPLIT.split(text) if part for hump in _humps(part)]


def _humps(part: str) -> list[str]:
    return [part] if _NUMBERED.fullmatch(part) else _HUMP.findall(part)


def _is_name(text: str) -> bool:
    """Whether a text is words, as names are: each one to be said aloud, digits few and apart."""
    text = _PORT.sub("", text)
    if not re.fullmatch(r"[\w./:#@,-]+", text, re.ASCII) or len(text) > 253:
        return False
    parts = [part for part in _SPLIT.split(text) if part]
    return bool(parts) and all(map(_is_part, parts)) and any(map(str.isalpha, text))


def _is_part(part: str) -> bool:
    if _NUMBERED.fullmatch(part):
        return not _CONSONANTS.search(part)
    if part.isdigit() or len(part) == 1:
        return len(part) <= 4
    if re.search(r"\d", part):
        return False
    humps = _HUMP.findall(part)
    if "".join(humps) != part or len(part) > 3 * 20 or _CONSONANTS.search(part):
        return False
    # Humps of one letter, many of them: chance, and no camel.
    short = sum(len(one) == 1 for one in humps)
    return short <= len(humps) // 3 and all(_is_word(one) for one in humps)


def _is_word(hump: str) -> bool:
    return len(hump) <= 20 and (len(hump) <= 5 or re.search("[aeiouyAEIOUY]", hump) is not None)
