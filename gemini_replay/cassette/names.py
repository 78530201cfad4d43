"""Names whose values are kept, and names whose values are secret. Everything that decides by name must live here."""

from __future__ import annotations

import re


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


REQUEST_HEADERS = _names("""
    accept accept-charset accept-encoding accept-language cache-control connection content-encoding content-length
    content-type date expect host keep-alive origin pragma te transfer-encoding user-agent
    x-goog-api-client x-server-timeout
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
"""Request headers whose values are looked for everywhere else, too."""

QUERY_NAMES = _names("""
    key api_key api-key apikey x-goog-api-key access_token accesstoken token auth auth_token authorization
    bearer_token id_token refresh_token oauth_token client_secret assertion password passwd secret sig signature
    x-goog-signature x-goog-credential x-amz-signature x-amz-credential x-amz-security-token code upload_id
    credential credentials session session_id
""")
"""Query and form parameters whose values are taken out."""

AMBIGUOUS_QUERY_NAMES = _names("auth code session")
"""Those that are ordinary words in a message, where no query is known to stand."""

MEMBERS = (
    r"api[_-]?key(?:[_-]?string)?|x-goog-api-key|x-api-key|(?:proxy-)?authorization|(?:set-)?cookie|"
    r"(?:access|refresh|id|auth|bearer|oauth|session|secret)[_-]?token|authorization[_-]?token|token|"
    r"client[_-]?secret|secret(?:[_-]?(?:access[_-]?)?key)?|private[_-]?key|pass(?:word|wd|phrase)|assertion|"
    r"credentials?"
)
"""Members of a JSON request body whose text values are taken out, as a pattern without regard to case."""

ENVIRONMENT = r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|ACCESS_KEY_ID|CREDENTIALS?|AUTH)$"
"""Environment variables whose values are secret, as a pattern without regard to case."""

PLACEHOLDERS = _names("""
    anything apikey api_key api-key authorization basic bearer changeme default development disabled dummy
    empty enabled example fake foobar gemini google ignored invalid localhost missing mocked nothing notused openai
    optional password placeholder production redacted required sample secret something string testing testkey unused
    undefined unknown whatever
""")
"""What people send as a key where none is needed: words that an answer may hold."""
