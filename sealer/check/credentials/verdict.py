"""Is this text a credential in clear? By the name it goes by, and by the form that it has.

Used where a manifest may hold anything (Helm values, template text, annotations). A name alone
makes no credential: it says how much the form has to show. What stays doubtful is said so.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from typing import Any

from sealer.check.credentials.forms import TOKENS, Form, form_of
from sealer.check.credentials.inline import holds_credential
from sealer.check.credentials.names import (
    holds_credential_word,
    is_credential_name,
    is_object_name,
    is_password_name,
    is_word_for_password,
)
from sealer.fields import Path
from sealer.values.placeholders import (
    URL_PASSWORD,
    is_placeholder,
    is_sealed_value,
    is_sops_value,
    without_placeholders,
)

__all__ = [
    "Verdict", "decoded", "in_text", "in_values", "is_credential", "is_credential_name",
    "is_placeholder", "is_sops_value", "judge", "looks_like_credential",
]  # fmt: skip

_LINE = re.compile(
    r"^\s*(?:- )?(?:export\s+)?[\"']?(?P<name>[\w.-]+)[\"']?\s*(?::(?!//)|=>|=)\s*(?P<value>\S.*)$"
)
_GLUE = re.compile(r"(?<![\w.-])([\w.-]++)\s*+=\s*([^;\s&]*)")
_KEY_OF_SECRET = re.compile(r"(?i)(secret|access|api|private|password|token)[_.-]?key$")
# Mappings from a use to the key of a Secret, or to its name.
_MAPPINGS = re.compile(
    r"(?i)(secret|existing\w*)?[_.-]?(keys|mappings?|keyMapping|refs?)$|secretKeyRefs?|secretRefs?"
    r"|remoteRef|valueFrom|^(extra|env)?FromSecrets?$|^envFrom|existingSecret|secretTemplate"
)
_EXISTING = re.compile(r"(?i)existing\w*secret|secret_?(name|ref)$|^remoteRef$|^name_?from")
# An ExternalSecret's entries, and the keys of a reference.
_REFERRING = frozenset({"remoteRef", "sourceRef", "secretRef", "secretKeyRef"})


# 32 bytes in base64: Fernet's, Laravel's, WireGuard's; a public half says so in its name.
_KEY = re.compile(r"(?i)^(?!.*(?:pub|peer)).*key$")
_KEY_BYTES = re.compile(r"(?:base64:)?[A-Za-z0-9+/_-]{43}=")
_FINGERPRINT = re.compile("[0-9A-F]{40}")
_CONNECTION = re.compile(r"(?i)connection[_.-]?strings?$|dsn$")
_PROPERTY = re.compile(r"[a-z]+(?:\.[a-z]+)*\.(?:password|passwd|secret|token|key)")
# Kinds of tokens and of ways to hand them over.
_KINDS = frozenset(
    {
        "authorization", "basic", "bearer", "cookie", "dns01", "dynamic", "existing", "header",
        "http01", "include", "internal", "kubernetes", "oauth", "oauth2", "oidc", "omit",
        "query", "same-origin", "static", "token", "vault", "x-api-key",
    }
)  # fmt: skip


class Verdict(Enum):
    """What is known of a value."""

    CLEAR = "no credential"
    DOUBTFUL = "may be one"
    CREDENTIAL = "a credential"


def judge(path: Path, value: Any, siblings: Collection[str] = ()) -> Verdict:
    """Judge a named value; ``path`` ends with its name, ``siblings`` stand beside it."""
    name = str(path[-1]) if path else ""
    if not isinstance(value, str):
        return _judge_number(name, value)
    text = value.strip()
    if is_sealed_value(text):
        return Verdict.CLEAR
    if looks_like_credential(text):
        return Verdict.CREDENTIAL
    if _KEY.search(name) and _KEY_BYTES.fullmatch(text):
        return Verdict.CREDENTIAL
    if not is_credential_name(name) or is_placeholder(text) or _is_glue(text):
        return Verdict.CLEAR
    if "\n" in text:
        return _judge_block(name, text)
    text = text.strip("\"'")
    form = form_of(text)
    if form in (Form.WORD, Form.WORDS, Form.VARIABLE) and _is_mapping(path, siblings):
        return Verdict.CLEAR
    if form is Form.VARIABLE and (holds_credential_word(text) or _same(name, text)):
        return Verdict.CLEAR
    if is_password_name(name):
        return _judge_password(text, form)
    return _judge_other(name, text, form)


def _judge_password(text: str, form: Form) -> Verdict:
    """People think of passwords: whatever is not plainly something else is one."""
    if form is Form.PATH:
        return Verdict.CLEAR
    if form in (Form.PROSE, Form.URL, Form.VARIABLE) or is_word_for_password(text):
        return Verdict.DOUBTFUL
    if form is Form.SETTING and not text.isdigit():
        # A place in a document, or a pattern to be met, is no password of anybody.
        is_place = text.startswith((".", "$.", "{.", "^"))
        return Verdict.CLEAR if is_place else Verdict.DOUBTFUL
    if form is Form.WORDS and _PROPERTY.fullmatch(text):
        return Verdict.CLEAR
    if form in (Form.WORD, Form.WORDS) and holds_credential_word(text):
        return Verdict.DOUBTFUL
    return Verdict.CREDENTIAL


def _judge_other(name: str, text: str, form: Form) -> Verdict:
    """Tokens and keys are made by generators: words are names, most often of a Secret."""
    if form in (Form.SETTING, Form.PATH, Form.VARIABLE):
        return Verdict.CLEAR
    if form in (Form.WORD, Form.WORDS):
        # "secretKey: password" names the key of a Secret.
        if _KEY_OF_SECRET.search(name) or is_object_name(name) or _same(name, text):
            return Verdict.CLEAR
        if form is Form.WORD:
            known = len(text) <= 3 or text.casefold() in _KINDS
        else:
            # A path of names, a list of words, the name of a Secret.
            known = re.search("[/,]", text) is not None or name.casefold() == "secret"
            known = known or holds_credential_word(text) or text.casefold() in _KINDS
        return Verdict.CLEAR if known else Verdict.DOUBTFUL
    if _CONNECTION.search(name) and not _holds_login(text):
        return Verdict.CLEAR
    if form is Form.CHANCE:
        # PGP writes fingerprints so, and hardly anybody a secret.
        return Verdict.DOUBTFUL if _FINGERPRINT.fullmatch(text) else Verdict.CREDENTIAL
    if form is Form.DIGITS:
        if re.search(r"(?i)tokens$", name) and len(text) < 8:
            return Verdict.CLEAR  # so many of them, as language models count
        return Verdict.CREDENTIAL if len(text) >= 8 else Verdict.DOUBTFUL
    return Verdict.DOUBTFUL


def _holds_login(text: str) -> bool:
    """Whether a connection's text has room for a credential: a user in a URL, a key for one."""
    named = (name for name, _ in _GLUE.findall(text))
    return "@" in text or any(map(is_credential_name, named)) or not re.search("://|=", text)


def _judge_number(name: str, value: Any) -> Verdict:
    """Numbers, too, are passwords; booleans are switches."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 999:
        return Verdict.CLEAR
    if not is_credential_name(name):
        return Verdict.CLEAR
    if is_password_name(name):
        return Verdict.CREDENTIAL
    return Verdict.DOUBTFUL if re.search(r"(?i)secret$|token$", name) else Verdict.CLEAR


def _judge_block(name: str, text: str) -> Verdict:
    """A text of several lines is one value, or a configuration that holds values."""
    if in_text(text):
        return Verdict.CREDENTIAL
    lines = [line for line in text.splitlines() if line.strip()]
    settings = sum(
        bool(_LINE.match(line) or re.match(r"\s*[-#]|.*[:{}\[\]]$", line)) for line in lines
    )
    if settings >= len(lines) / 2 or "-----BEGIN" in text:
        return Verdict.CLEAR
    return Verdict.CREDENTIAL if is_password_name(name) else Verdict.DOUBTFUL


def _is_mapping(path: Path, siblings: Collection[str]) -> bool:
    """Whether a value stands where the keys and names of Secrets are listed."""
    parents = [one for one in path[:-1] if isinstance(one, str)]
    if any(_MAPPINGS.search(one) for one in parents[-2:]):
        return True
    return any(one in _REFERRING or _EXISTING.search(one) for one in siblings)


def _same(name: str, text: str) -> bool:
    plain = re.compile(r"[\W_]+")
    return plain.sub("", name).casefold() == plain.sub("", text).casefold()


def _is_glue(text: str) -> bool:
    """Words of a connection string whose credential parts are placeholders."""
    if "=" not in text:
        return False
    secrets = [value for name, value in _GLUE.findall(text) if is_credential_name(name)]
    return bool(secrets) and all(value and not without_placeholders(value) for value in secrets)


def looks_like_credential(text: str) -> bool:
    """Whether a text is, or holds, something that only credentials look like."""
    if TOKENS.search(text) or holds_credential(text):
        return True
    if "://" not in text:
        return False
    bare = without_actions(text)
    return any(not is_placeholder(found["password"]) for found in URL_PASSWORD.finditer(bare))


def without_actions(text: str) -> str:
    """A text with each action of a template in the place of a variable."""
    from sealer.values.placeholders import spans_of

    parts, last = [], 0
    for start, end in spans_of(text):
        # What an action prints is judged as the text around it: printf's format for one.
        inner = re.findall(r"\"([^\"\\]*://[^\"\\]*)\"", text[start:end])
        parts += [text[last:start], "${action}", *(f" {one} " for one in inner)]
        last = end
    return "".join((*parts, text[last:]))


def is_credential(name: str, value: Any) -> bool:
    """Whether a named value is a credential in clear."""
    return judge((name,), value) is Verdict.CREDENTIAL


def in_values(value: Any, path: Path = ()) -> Iterator[tuple[Path, Verdict]]:
    """What may be credentials in Helm-like values: by key, by name/value pairs, by look."""
    if isinstance(value, dict):
        yield from _in_mapping(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str) and (looks_like_credential(item) or _pair(item)):
                yield (*path, index), Verdict.CREDENTIAL
            else:
                yield from in_values(item, (*path, index))


def _in_mapping(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Verdict]]:
    pair = value.get("name") if isinstance(value.get("name"), str) else None
    siblings = value.keys()
    for key, item in value.items():
        if isinstance(item, (dict, list)):
            yield from in_values(item, (*path, key))
            continue
        name = pair if pair and key == "value" else str(key)
        verdict = judge((*path, name), item, siblings)
        if verdict is Verdict.CLEAR and isinstance(item, str) and "\n" in item and in_text(item):
            verdict = Verdict.CREDENTIAL
        if verdict is not Verdict.CLEAR:
            yield (*path, key), verdict


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
    value = found["value"].rstrip().rstrip(",;").strip()
    value = re.sub(r"(?<!\s)\s+#.*$", "", value).strip("\"'")
    return is_credential_name(found["name"]) and is_credential(found["name"], value)


def decoded(text: str) -> str:
    """What a Secret's base64 stands for, or the text itself where it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return text
