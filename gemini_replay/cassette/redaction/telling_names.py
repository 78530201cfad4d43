"""Which names tell that a value is secret, or that it is harmless. Everything that decides by a name lives here.

`telling` reads the names of JSON members, of form and query parameters, of headers and of environment variables
alike, however they are spelled: ``apiKey``, ``X-Api-Key`` and ``API_KEY`` are one name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Telling = Literal["certain", "likely", ""]
"""What a name says of its value: "certain" that it is secret; "likely" that it is, if it looks random; or nothing."""


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
"""Request headers whose values are kept; not ``x-goog-user-project`` and ``-request-params``, which name projects."""

SECRET_RESPONSE_HEADERS = re.compile(
    r"x-goog-sherlog-link|(?:proxy-)?authentication-info|(?:proxy-)?authorization|"
    r"(?:.*[-_])?(?:cookie2?|token|secret|pass(?:word|wd|phrase)|credentials?|signature|(?:api|access|private|secret)[-_]?key)"
    r"(?:[-_](?:id|value))?",
    re.IGNORECASE,
)
"""Response headers whose values are taken out, by their whole names; ``x-goog-sherlog-link`` may name an account.

All others are kept, so that a client gets on replay what it got live: a count of ``…-tokens`` among them.
"""

URL_HEADERS = _names("location content-location x-goog-upload-url x-goog-upload-control-url")
"""Response headers whose values are URLs, perhaps relative ones; of these only the secrets in them are taken out."""

CREDENTIAL_HEADERS = _names("authorization proxy-authorization x-goog-api-key x-api-key api-key cookie")
"""Request headers that hold nothing but credentials."""

CREDENTIAL_QUERY_NAMES = _names("""
    key api_key api-key apikey x-goog-api-key access_token accesstoken authorization bearer_token oauth_token
""")
"""Query parameters that stand for an Authorization header; requests are never matched on them."""

QUERY_NAMES = CREDENTIAL_QUERY_NAMES | _names("""
    id_token refresh_token client_secret assertion password passwd secret x-goog-signature x-goog-credential
    x-amz-signature x-amz-credential x-amz-security-token upload_id
""")
"""Query and form parameters whose values are secret, beside those whose names are telling."""

LIKELY_QUERY_NAMES = _names("token auth auth_token sig signature code credential credentials session session_id")
"""Query and form parameters whose values are secret if they look random."""

OPAQUE_MEMBERS = _names("""
    data thoughtSignature thought_signature responseId response_id turnToken turn_token continuationToken
    continuation_token signature encryptedContent encrypted_content
""")
"""JSON members that hold data for machines, in which anything may look like a token by chance."""

MAPS = _names("headers httpheaders extraheaders defaultheaders customheaders requestheaders env environment metadata")
"""JSON members that hold headers or environment variables of a tool (lower case, without separators)."""

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
def telling(name: str) -> Telling:
    """What the name of a JSON member, a header or an environment variable says of its value.

    Tokens that lead through pages and streams (``nextPageToken``) and those of language models (``eos_token``) are
    no secrets; a ``key`` alone is none, since most keys are names.
    """
    plain = "_".join(word.lower() for word in _WORD.findall(name))
    if _HARMLESS.search(plain):
        return ""
    return "certain" if _CERTAIN.search(plain) else "likely" if _LIKELY.search(plain) else ""


@lru_cache(1024)
def telling_query(name: str) -> Telling:
    """The same for the name of a query or form parameter, in which ``key`` is an API key."""
    low = name.lower()
    return "certain" if low in QUERY_NAMES else "likely" if low in LIKELY_QUERY_NAMES else telling(name)


@lru_cache(1024)
def telling_variable(name: str) -> Telling:
    """The same for the name of an environment variable; one that ends with KEY or AUTH is likely."""
    return telling(name) or ("likely" if re.search(r"(?:^|_)(?:KEY|AUTH)$", name, re.IGNORECASE) else "")


@lru_cache(1024)
def holds_headers(name: str) -> bool:
    """Whether a JSON member of this name holds headers or environment variables: each of its values may be secret."""
    return re.sub(r"[^a-z]", "", name.lower()) in MAPS
