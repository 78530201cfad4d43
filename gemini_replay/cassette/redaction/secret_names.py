"""Which names say that a value is secret, or that it is harmless. Every decision by name is made here.

`secrecy` judges the names of JSON members, form and query parameters, headers and environment variables alike, in any
spelling: ``apiKey``, ``X-Api-Key`` and ``API_KEY`` are the same name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

from ...errors import UsageError
from ...provider import Provider
from ...shipped import shipped

Secrecy = Literal["certain", "likely", ""]
"""What a name says about its value: it is certainly secret; it is secret if it looks random; or nothing."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


REQUEST_HEADERS = _names("""
    accept accept-charset accept-encoding accept-language cache-control connection content-encoding content-length
    content-type date expect host keep-alive origin pragma te transfer-encoding user-agent
    baggage request-id traceparent tracestate x-b3-sampled x-b3-spanid x-b3-traceid x-cloud-trace-context
    x-correlation-id x-goog-api-client x-request-id x-server-timeout
    x-stainless-arch x-stainless-async x-stainless-lang x-stainless-os x-stainless-package-version
    x-stainless-read-timeout x-stainless-retry-count x-stainless-runtime x-stainless-runtime-version
""")
"""Request headers whose values are kept. ``x-goog-user-project`` and ``-request-params`` contain project names."""

SECRET_RESPONSE_HEADERS = re.compile(
    r"x-goog-sherlog-link|(?:proxy-)?authentication-info|(?:proxy-)?authorization|"
    r"(?:.*[-_])?(?:cookie2?|token|secret|pass(?:word|wd|phrase)|credentials?|signature|(?:api|access|private|secret)[-_]?key)"
    r"(?:[-_](?:id|value))?",
    re.IGNORECASE,
)
"""Whole names of response headers whose values are removed. ``x-goog-sherlog-link`` can contain an account.

All others are kept, so that a client gets the same on replay, such as the count in a ``…-tokens`` header.
"""

URL_HEADERS = _names("location content-location x-goog-upload-url x-goog-upload-control-url")
"""Response headers whose values are URLs, some of them relative. Only the secrets in the URL are removed."""

CREDENTIAL_HEADERS = _names("authorization proxy-authorization x-api-key api-key cookie")
"""Request headers that contain only credentials, in addition to those of the provider."""

CREDENTIAL_QUERY_NAMES = _names("""
    key api_key api-key apikey access_token accesstoken authorization bearer_token oauth_token
""")
"""Query parameters used instead of an Authorization header, in addition to those of the provider.

Requests are never matched on them.
"""

QUERY_NAMES = CREDENTIAL_QUERY_NAMES | _names("""
    id_token refresh_token client_secret assertion password passwd secret x-goog-signature x-goog-credential
    x-amz-signature x-amz-credential x-amz-security-token upload_id
""")
"""Query and form parameters whose values are secret, in addition to those that `secrecy` knows."""

LIKELY_QUERY_NAMES = _names("token auth auth_token sig signature code credential credentials session session_id")
"""Query and form parameters whose values are secret if they look random."""

OPAQUE_MEMBERS = _names("""
    data thoughtSignature thought_signature responseId response_id turnToken turn_token continuationToken
    continuation_token signature encryptedContent encrypted_content
""")
"""JSON members with binary data or ids, in which anything can look like a token by chance."""

MAPS = _names("headers httpheaders extraheaders defaultheaders customheaders requestheaders env environment metadata")
"""JSON members with the headers or environment variables of a tool (lower case, without separators)."""

VALUES = frozenset({"value", "Value", "VALUE"})
"""JSON members with a value whose name another member of the object has."""
_CALLED = ("name", "key", "header")

_CERTAIN = re.compile(
    r"(?:^|_)(?:"
    r"(?:api|apps?|access|secret|private|signing|encryption|decryption|account|master|shared|subscription|license|"
    r"webhook|service|storage|deploy|ssh|client|auth|admin|personal|verification)_?keys?(?:_?(?:string|id))?|"
    r"api_?key_?string|secret_?access_?key|"
    r"(?:access|refresh|id|o?_?auth|authorization|bearer|session|secret|security|personal_access|api|bot|jwt|"
    r"service_account|identity|csrf|xsrf|private|user|deploy|registration)_?token|"
    r"(?:client|app|api|consumer|shared|webhook|signing|oauth|jwt|hmac|session|cookie|hashed)_?secret|"
    r"pass_?words?|passwd|pwd|pass_?code|pass_?phrase|(?:proxy_)?authorization|(?:set_)?cookie|credentials?|"
    r"(?:client_)?assertion|connection_?string|(?:goog|amz)_(?:signature|credential)|bearer"
    r")$"
)
_LIKELY = re.compile(r"(?:^|_)(?:token|secret|secrets|sig|signature|auth|jwt|hmac|pat|otp)(?:_(?:value|string))?$")
_HARMLESS = re.compile(
    r"(?:^|_)(?:(?:next_?)?page|turn|continuation|sync|next|previous|prev|cursor|resume|resumption|first|last|start|"
    r"stop|end|eos|bos|pad|unk|mask|special|max|min)_?token$|thought_?signature$"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(4096)
def secrecy(name: str) -> Secrecy:
    """What the name of a JSON member, a header or an environment variable says about its value.

    Paging tokens (``nextPageToken``) and tokens of language models (``eos_token``) are not secret. The name ``key``
    says nothing, since most keys are names.
    """
    plain = "_".join(word.lower() for word in _WORD.findall(name))
    if _HARMLESS.search(plain):
        return ""
    return "certain" if _CERTAIN.search(plain) else "likely" if _LIKELY.search(plain) else ""


def called(members: Collection[tuple[str, Any]]) -> str:
    """The name in an object such as ``{"name": "Authorization", "value": "…"}``; "" for other objects."""
    if len(members) <= 8 and any(key in VALUES for key, _ in members):
        names = {key.lower(): member for key, member in members if isinstance(member, str)}
        return next((names[key] for key in _CALLED if key in names), "")
    return ""


@lru_cache(1024)
def query_secrecy(name: str) -> Secrecy:
    """The same for a query or form parameter, where ``key`` is an API key."""
    low = name.lower()
    return "certain" if low in QUERY_NAMES else "likely" if low in LIKELY_QUERY_NAMES else secrecy(name)


@lru_cache(1024)
def variable_secrecy(name: str) -> Secrecy:
    """The same for an environment variable; one that ends with KEY or AUTH is likely secret."""
    return secrecy(name) or ("likely" if re.search(r"(?:^|_)(?:KEY|AUTH)$", name, re.IGNORECASE) else "")


Contents = Literal["secret", "headers", ""]
"""What an object holds, judged by its name: a secret, at any depth; headers or variables, as its members."""


@lru_cache(1024)
def contents(name: str) -> Contents:
    """What a JSON member of this name holds, if it is an object."""
    if secrecy(name) == "certain":
        return "secret"
    return "headers" if re.sub(r"[^a-z]", "", name.lower()) in MAPS else ""


class SecretNames:
    """The rules above with the user's settings applied, see `redactor.Redactor`. Names are compared in lower case."""

    def __init__(
        self,
        *,
        keep_headers: Iterable[str] = (),
        redact_headers: Iterable[str] = (),
        keep_fields: Iterable[str] = (),
        redact_fields: Iterable[str] = (),
        provider: Provider | None = None,
    ) -> None:
        provider = provider or shipped()
        self._credential_headers = CREDENTIAL_HEADERS | provider.key_headers
        self._credential_parameters = CREDENTIAL_QUERY_NAMES | provider.key_parameters
        self._keep_headers = _checked("keep_headers", keep_headers)
        self._redact_headers = _checked("redact_headers", redact_headers)
        self._keep_fields = _checked("keep_fields", keep_fields)
        self._redact_fields = _checked("redact_fields", redact_fields)
        _check_disjoint("headers", self._keep_headers, self._redact_headers)
        _check_disjoint("fields", self._keep_fields, self._redact_fields)
        if credentials := sorted(self._keep_headers & self._credential_headers):
            raise UsageError(
                f"keep_headers names {credentials[0]!r}, which contains credentials.",
                hint="Remove it from keep_headers.",
            )

    def keeps_header(self, name: str) -> bool:
        """Whether the value of a request header is kept."""
        return (name in REQUEST_HEADERS or name in self._keep_headers) and name not in self._redact_headers

    def has_credentials(self, header: str) -> bool:
        """Whether everything in a request header is secret."""
        return self.is_credential(header) or header in self._redact_headers

    def is_credential(self, header: str) -> bool:
        """Whether a request header contains only credentials, whatever the settings say."""
        return header in self._credential_headers

    def is_credential_parameter(self, name: str) -> bool:
        """Whether a query parameter stands for an Authorization header."""
        return name.lower() in self._credential_parameters

    def removes_response_header(self, name: str) -> bool:
        """Whether the value of a response header is removed."""
        secret = SECRET_RESPONSE_HEADERS.fullmatch(name) is not None and name not in self._keep_headers
        return secret or name in self._redact_headers

    def field(self, name: str, *, parameter: bool = False, within: Contents = "") -> Secrecy:
        """What the name of a JSON member or of a query or form `parameter` says about its value.

        In an object that holds secrets, headers or variables, an unknown value can be secret.
        """
        low = name.lower()
        if low in self._redact_fields:
            return "certain"
        if low in self._keep_fields:
            return ""
        if parameter and self.is_credential_parameter(name):
            return "certain"
        found = query_secrecy(name) if parameter else secrecy(name)
        return "likely" if not found and within and not self.keeps_header(low) else found

    @property
    def redacted_fields(self) -> frozenset[str]:
        """The fields that the settings say are secret, in lower case."""
        return self._redact_fields

    def keeps_field(self, name: str) -> bool:
        """Whether the settings say that a field is not secret."""
        return name.lower() in self._keep_fields

    def redacts_field(self, name: str) -> bool:
        """Whether the settings say that a field is secret, whatever its value looks like."""
        return name.lower() in self._redact_fields


def as_list(name: str, value: Any, takes: str) -> list[Any]:
    """A setting of one or several values as a list; a `UsageError` if it is not iterable."""
    if type(value) is tuple:  # what has been checked before
        return list(value)
    if isinstance(value, str | re.Pattern):
        return [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes | bytearray):
        raise UsageError(f"{name} is a {type(value).__qualname__}.", hint=f"It takes {takes}, in a list.")
    return list(value)


def _checked(name: str, value: Any) -> frozenset[str]:
    if value == ():
        return frozenset()
    what = name.partition("_")[2]
    names = as_list(name, value, f"names of {what}")
    for one in names:
        if not isinstance(one, str) or not one.strip():
            raise UsageError(f"{name} contains {one!r:.80}.", hint=f"It takes names of {what}, in a list.")
    return frozenset(one.strip().lower() for one in names)


def _check_disjoint(what: str, keep: frozenset[str], redact: frozenset[str]) -> None:
    if both := sorted(keep & redact):
        raise UsageError(f"keep_{what} and redact_{what} both name {both[0]!r}.", hint="Remove it from one of them.")
