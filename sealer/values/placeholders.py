"""Texts that stand for a value and are none: placeholders, references, other tools' ciphertext.

One knowledge for everything that looks for secrets in clear. ``is_stand_in`` is for values that are
secrets by where they stand (a core Secret): it goes by the form alone, and never takes a weak
password for a placeholder. ``is_placeholder`` is for values that may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sealer import encoding
from sealer.crypto import wrapped_key_bytes
from sealer.errors import UnsealError
from sealer.values.foreign import SOPS

_SOPS = re.compile(SOPS)
# The smallest RSA key that a controller may have has 1024 bits.
_MIN_KEY_BYTES = 128
# Tools that fetch a value by such a text: 1Password, vals, bank-vaults, Argo CD Image Updater,
# the secret managers of Azure, AWS and Google, Concourse, Octopus, Azure Pipelines.
_FETCHED = (
    r"\bop://\S+|\bref\+\w+://\S+|\bvault:(?://)?[\w./-]*[/#]\S*|\b(?:secretref|akv|keyvault"
    r"|awssm|awsssm|gcpsm|gcpsecretmanager|azurekeyvault|sm|gsm|ssm|k8s|doppler|infisical|bws|keeper):(?://)?\S+"
    r"|\b(?:pullsecret|secret|ext|file|env|configmap):(?://)?[\w./#-]+"
    r"|\barn:aws[\w-]*:[a-z][\w-]*:\S+|\bprojects/[\w-]+/secrets/\S+"
    r"|@Microsoft\.KeyVault\([^()]*\)|\{\{resolve:(?:secretsmanager|ssm)[^{}]*\}\}"
)
_FETCHED_WHOLE = re.compile(_FETCHED)
_PLACEHOLDER = re.compile(
    r"\$?\$\{(?:(?!\$\{)[^}])*\}|\$\([^()$]*\)|`[^`]*`|\$\[[^\[\]$]*\]|#\{[^{}#]*\}|\(\([\w./:-]+\)\)"
    r"|<<\s?[\w.]+\s?>>|%[A-Z_]+\([\w?:.-]*\)%|\$ENV\{\w+\}|\{(?:\$\w+|env\.[\w.]+)\}"
    r"|%\(\w+\)s|@\{[\w.:/-]+\}|\bSECRET\[[\w./-]+\]"
    # What other tools encrypted: Jasypt, Spring Cloud Config, eyaml, Spinnaker.
    r"|\bENC\([A-Za-z0-9+/=]+\)|\{cipher\}[A-Za-z0-9+/=]+|\bENC\[(?!AES256_GCM)[A-Z0-9_]+,[A-Za-z0-9+/=]+\]"
    r"|\bencrypted(?:Secret|File)?:[\w.!:/-]+"
    r"|<[^<>\s][^<>]*>|%[A-Z_][A-Z0-9_]*%|%[sdvq]\b|\[\[[^\[\]]*\]\]|@[A-Z][A-Z0-9_]+@"
    rf"|__[A-Z][A-Z0-9_]*?__|{SOPS}"
    r"|\$__(?:file|env|vault)\{(?:(?!\$__)[^}])*\}"
    rf"|{_FETCHED}"
    # Argo CD: $key, $secret:key.
    r"|\$[A-Za-z_][\w.-]*(?::[\w./-]+)?",
    re.DOTALL,
)
_CODE = re.compile(
    r"!(?:secret|env_var|vault|reference|Ref|Sub)\b.*|['\"]?>?\s*(?:getenv|env|secret|vault"
    r"|lookup|file_get_contents|System\.getenv|os\.getenv|os\.environ\.get|ENV\.fetch)\s*\([^()]*\).*"
    r"|(?:process\.env|os\.environ|ENV|secrets|env|vars|local|var|data|config|module|each"
    r"|random_password)[.\[][\w.\[\]'\"]+"
    # A call that fetches what it names: os.Getenv("X"), credentials('x'), std.extVar('x').
    r"|(?=[\w.]{0,60}(?i:get|env|var|read|lookup|credential|fetch|param|secret))[\w.]{1,60}[!?]?"
    r"\(\s?(?P<quote>['\"])[A-Za-z][A-Za-z_./:-]{0,120}(?P=quote)\s?\)"
    r"|#@\s.+|builtins\.\w+ \S+"
)
_BLANK_WORDS = re.compile(
    r"(?i)^[\[({<]?(?:|change[_-]?(?:it|me|this)\W*\w{0,12}|replace[_-]?(?:me|this|with\b.{0,60})"
    r"|to-?do|tbd|fix-?me|x{3,}|\*{3,}|\.{3}|-+|_+|-?\d|\{\}|\[\]|[?*]{1,3}"
    r"|redacted|hidden|masked|placeholder|none|null|nil|n/a|string|un-?used|ignored?"
    r"|undefined|unset|empty|dummy|not[_ -](?:used|set|needed|required|applicable)"
    r"|\w{4,60}EXAMPLE(?:KEY)?|true|false|yes|no|on|off|y|n|enabled?|disabled?|auto|default"
    r"|generated?|random|required|optional|never|always|example"
    r"|(?:managed|set|provided|injected|filled|supplied|overridden|generated|created)"
    r"[_ -](?:by|from|via)[_ -].{1,60}"
    r"|(?:will|must|to|should)[_ -]be[_ -](?:replaced|set|filled|provided|defined|overridden"
    r"|generated|injected|changed)\b.{0,40}"
    r"|your[_ -].{0,60}|(?:insert|enter|put|fill|set)[_ -].{0,60}"
    r"|.{0,60}[_ -]here)[\])}>]?$"
)


def is_placeholder(text: str) -> bool:
    """Whether a text stands for a value that comes from elsewhere, or for none at all."""
    stripped = text.strip().strip("\"'")
    if _BLANK_WORDS.match(stripped) or _CODE.fullmatch(stripped) or is_sealed_value(stripped):
        return True
    rest = without_placeholders(stripped)
    if rest == stripped:
        return False
    # A template that writes a template: {{ "{{" }} .password {{ "}}" }}
    if '"{{"' in stripped or "`{{`" in stripped:
        rest = re.sub(r"\.[A-Za-z]\w*", "", rest)
    # Around placeholders, glue is no credential: URLs, host names, punctuation.
    url = URL_PASSWORD.search(stripped)
    if url:
        return not without_placeholders(url["password"])
    return re.fullmatch(r"[\s\W_]*", rest) is not None


def is_stand_in(text: str) -> bool:
    """Whether a Secret's value stands for another one, by its form alone."""
    stripped = text.strip()
    if re.fullmatch(r"<[^<>]+>", stripped) or is_sops_value(stripped) or is_sealed_value(stripped):
        return True
    if _FETCHED_WHOLE.fullmatch(stripped):
        # A password may well begin with "env:" or "secret:"; the others are too odd for one.
        return not re.match(r"(?:secret|ext|file|env|configmap):(?!//)", stripped)
    bare = "".join(_outside_actions(stripped))
    if bare != stripped and not re.search(r"\w", bare):
        return not any(map(literal, actions_of(stripped)))
    return "${" in text and is_placeholder(text)


def is_sops_value(text: str) -> bool:
    """Whether a text is one value that SOPS encrypted, in its full form."""
    return _SOPS.fullmatch(text.strip()) is not None


def is_sealed_value(text: str) -> bool:
    """Whether a text is a sealed item of a SealedSecret."""
    try:
        return len(text) > _MIN_KEY_BYTES and wrapped_key_bytes(encoding.decode(text)) >= (
            _MIN_KEY_BYTES
        )
    except (ValueError, UnsealError):
        return False


def without_placeholders(text: str) -> str:
    """What is left of a text without its placeholders."""
    return _PLACEHOLDER.sub("", "".join(_outside_actions(text)))


# A password in a URL; user and password hold no action, for those are taken out first.
URL_PASSWORD = re.compile(r"(?<=[\w+.-])://[^\s/:@]*:(?P<password>[^\s/@]+)@")
_LITERAL = re.compile(
    r"-?\s*(?:(?:b64enc|quote|squote|print|toString|trim)\s+)?"
    r"(?:\"(?P<double>(?:[^\"\\]|\\.)*)\"|`(?P<raw>[^`]*)`|'(?P<single>[^']*)')"
    r"\s*(?:\|.*)?-?",
    re.DOTALL,
)


def literal(action: str) -> str:
    """The text that a template's action prints, where it begins with it; empty otherwise."""
    found = _LITERAL.fullmatch(action.strip())
    if not found:
        return ""
    return next((part for part in found.groups() if part is not None), "")


def spans_of(text: str) -> Iterator[tuple[int, int]]:
    """Where a template's actions (``{{ }}``) stand, braces within their strings heeded."""
    at, last = 0, 0
    while (at := text.find("{{", last)) >= 0:
        end = _end_of_action(text, at + 2)
        last = end if end > 0 else at + 2
        if end > 0:
            yield at, end


def actions_of(text: str) -> Iterator[str]:
    """The inner text of a template's actions."""
    for start, end in spans_of(text):
        yield text[start + 2 : end - 2]


_STOP = re.compile(r"\}\}|\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|\{\{")


def _end_of_action(text: str, at: int) -> int:
    """Behind the ``}}`` of an action that begins before ``at``; -1 without one."""
    limit = min(len(text), at + 4096)
    while (found := _STOP.search(text, at, limit)) is not None:
        at = found.end()
        if found[0] in ("}}", "{{"):
            return at if found[0] == "}}" else -1
    return -1


def _outside_actions(text: str) -> Iterator[str]:
    last = 0
    for start, end in spans_of(text):
        yield text[last:start]
        last = end
    yield text[last:]
