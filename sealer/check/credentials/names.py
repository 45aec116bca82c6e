"""What credentials are called, and what only tells where one is."""

from __future__ import annotations

import re

_PASSWORDS = re.compile(
    r"pass(word|wd|phrase|wort)?$|^pwd$|[_.-]pwd$|(^|[_.-])pw$",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"secrets?$|tokens?$|api[_.-]?keys?$"
    r"|access[_.-]?keys?$|private[_.-]?keys?$|secret[_.-]?keys?$|encryption[_.-]?keys?$"
    r"|account[_.-]?keys?$|signing[_.-]?keys?$|master[_.-]?keys?$|access[_.-]?key[_.-]?id$"
    r"|credentials?$|connection[_.-]?strings?$|webhook[_.-]?url$|htpasswd$|dsn$|salt$",
    re.IGNORECASE,
)
# Names that say where a credential is, and not what it is.
_NOT_NAMES = re.compile(
    r"existing|(name|ref|refs|path|file|dir|mount|key[_.-]?name|enabled|create|length|policy"
    r"|ttl|type|namespace|annotations|labels|image|class|provider|store|url[_.-]?path|expiry"
    r"|expiration|lifetime|rotation|count|size)s?$|(?-i:^use[A-Z_])|automount|image_?pull_?secrets?$"
    r"|^pullSecrets?$|^secrets$|"
    r"(pull|tls|cert|password|token|key|credentials?)[_-]?secrets?$",
    re.IGNORECASE,
)
# What a protocol calls a secret; what else ends so is most often the name of an object.
_PROTOCOL = re.compile(
    r"(?:^|[_.-])secret$|(?:client|app|application|consumer|shared|jwt|hmac|cookie|session|webhook|oauth"
    r"|signing|api|auth|access|token|encryption|master|root|bot|hash|csrf)[_.-]?secrets?$",
    re.IGNORECASE,
)
_SECRET = re.compile(r"secrets?$", re.IGNORECASE)


def is_credential_name(name: str) -> bool:
    """Whether what goes by this name is a credential."""
    known = _PASSWORDS.search(name) or _OTHERS.search(name)
    return bool(known) and not _NOT_NAMES.search(name)


def is_password_name(name: str) -> bool:
    """Whether it is a password: people think of these themselves, so any word may be one."""
    return bool(_PASSWORDS.search(name)) and not _NOT_NAMES.search(name)


def is_object_name(name: str) -> bool:
    """Whether it is rather the name of a Secret that goes by this one: ``githubConfigSecret``."""
    return bool(_SECRET.search(name)) and not _PROTOCOL.search(name)


def holds_credential_word(text: str) -> bool:
    """Whether a name has a word for credentials in it, as the keys and names of Secrets do."""
    return _WORD.search(text) is not None


def is_word_for_password(text: str) -> bool:
    """Whether a text says "password" in some language, as a form does beside its field."""
    return _FIELD.fullmatch(text) is not None


_FIELD = re.compile(
    r"(?i)(?:[^\W\d_]{1,20} ){0,3}(?:password|passwort|kennwort|mot de passe|contraseña|senha"
    r"|wachtwoord|hasło|heslo|lösenord|salasana|şifre|parola|пароль|пароля|パスワード|密码|密碼|비밀번호)"
    r"(?: [^\W\d_]{1,20}){0,3}\s?[?:*.!…]?"
)
_WORD = re.compile(
    r"(?i)secret|passw|passphrase|token|credential|creds|api-?key|[_.-]key\b|-auth\b|\bauth-|cert"
    r"|tls|[_.-]pass\b|htpasswd|regcred|oauth|oidc|_key\b|key$"
)
