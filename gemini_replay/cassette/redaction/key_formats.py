"""The formats of keys and tokens: one row for each kind that public secret scanners know.

A format is a prefix, the characters that can follow, and their number. A key without a prefix, such as the secret key
of AWS, is only found by the name before it (see `secret_names`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property

LONGEST = 4096
"""The most bytes of a token. A longer row of token characters is data."""

_B62 = "A-Za-z0-9"
_URL = r"A-Za-z0-9_\-"
_DOTTED = r"A-Za-z0-9_\-."
_B64 = "A-Za-z0-9+/"
_HEX = "0-9a-f"
_CAPITALS = "A-Z0-9"


@dataclass(frozen=True)
class KeyFormat:
    """One kind of key.

    Attributes:
        kind: a description for people.
        begins: the prefix.
        chars: the characters that follow, as the content of a class in a regular expression.
        least: the smallest number of them.
        most: the largest number of them.
        random: whether they must look random too, since the prefix occurs in ordinary text.
        whole: a regular expression that the whole key must match too.
    """

    kind: str
    begins: str
    chars: str
    least: int
    most: int = LONGEST - 100
    random: bool = False
    whole: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """What a key of this kind matches; compiled when one may have been found, as it seldom is."""
        text = f"{re.escape(self.begins)}[{self.chars}]{{{self.least},{self.most}}}"
        if self.whole:
            text = f"(?={self.whole}(?![A-Za-z0-9])){text}"
        return re.compile(text.encode() + rb"(?<!\.)(?![A-Za-z0-9])")


KEY_FORMATS = (
    KeyFormat("API key (Google)", "AIza", _URL, 35, 35),
    KeyFormat("API key bound to a service account (Google)", "AQ.", _URL, 30, random=True),
    KeyFormat("access token (Google)", "ya29.", _DOTTED, 20),
    KeyFormat("refresh token (Google)", "1//", _URL, 30, random=True),
    KeyFormat("client secret (Google)", "GOCSPX-", _URL, 20),
    KeyFormat("ephemeral token (Gemini)", "auth_tokens/", _URL, 12, random=True),
    KeyFormat("JSON Web Token", "eyJ", _DOTTED, 30, whole=r"eyJ[\w\-]{8,1300}\.eyJ[\w\-]{8,2400}\.[\w\-]{8,1300}"),
    KeyFormat("API key (OpenAI, Anthropic and others)", "sk-", _URL, 20, random=True),
    KeyFormat("admin key (OpenAI)", "sess-", _B62, 40, random=True),
    KeyFormat("API key (Groq)", "gsk_", _B62, 40),
    KeyFormat("API key (xAI)", "xai-", _URL, 60),
    KeyFormat("API key (Perplexity)", "pplx-", _B62, 40),
    KeyFormat("API key (NVIDIA)", "nvapi-", _URL, 50),
    KeyFormat("API key (LangSmith)", "lsv2_", r"A-Za-z0-9_", 40),
    KeyFormat("API key (Pinecone)", "pcsk_", r"A-Za-z0-9_", 40),
    KeyFormat("API token (Replicate)", "r8_", _B62, 37),
    KeyFormat("access token (Hugging Face)", "hf_", _B62, 30, random=True),
    KeyFormat("organization token (Hugging Face)", "api_org_", _B62, 30, random=True),
    KeyFormat("personal access token (GitHub)", "ghp_", _B62, 36),
    KeyFormat("OAuth token (GitHub)", "gho_", _B62, 36),
    KeyFormat("user token (GitHub)", "ghu_", _B62, 36),
    KeyFormat("server token (GitHub)", "ghs_", r"A-Za-z0-9_.\-", 36),
    KeyFormat("refresh token (GitHub)", "ghr_", _B62, 36),
    KeyFormat("fine-grained access token (GitHub)", "github_pat_", r"A-Za-z0-9_", 36),
    KeyFormat("personal access token (GitLab)", "glpat-", _DOTTED, 20, random=True),
    KeyFormat("deploy token (GitLab)", "gldt-", _URL, 20, random=True),
    KeyFormat("runner token (GitLab)", "glrt-", _DOTTED, 20, random=True),
    KeyFormat("pipeline trigger token (GitLab)", "glptt-", _URL, 20, random=True),
    KeyFormat("job token (GitLab)", "glcbt-", _URL, 20, random=True),
    KeyFormat("runner registration token (GitLab)", "GR1348941", _URL, 20),
    KeyFormat("access token (Bitbucket)", "ATBB", _B62, 28, random=True),
    KeyFormat("API token (Atlassian)", "ATATT3", r"A-Za-z0-9_\-", 60),
    KeyFormat("access key (AWS)", "AKIA", _CAPITALS, 16, 16),
    KeyFormat("temporary access key (AWS)", "ASIA", _CAPITALS, 16, 16),
    KeyFormat("session token (AWS)", "IQoJb3JpZ2lu", _B64, 100),
    KeyFormat("session token (AWS)", "FwoGZXIvYXdz", _B64, 100),
    KeyFormat("Bedrock API key (AWS)", "ABSK", _B64, 100),
    KeyFormat("access key (Alibaba)", "LTAI", _B62, 16, 30, random=True),
    KeyFormat("secret id (Tencent)", "AKID", _B62, 32, 60, random=True),
    KeyFormat("personal access token (DigitalOcean)", "dop_v1_", _HEX, 60),
    KeyFormat("OAuth token (DigitalOcean)", "doo_v1_", _HEX, 60),
    KeyFormat("refresh token (DigitalOcean)", "dor_v1_", _HEX, 60),
    KeyFormat("bot or user token (Slack)", "xox", r"A-Za-z0-9\-", 20, random=True, whole=r"xox[abeoprs]-[\w\-]{18,}"),
    KeyFormat("configuration token (Slack)", "xoxe.xox", r"A-Za-z0-9\-", 20, random=True),
    KeyFormat("app token (Slack)", "xapp-", r"A-Za-z0-9\-", 30, random=True),
    KeyFormat("webhook (Slack)", "hooks.slack.com/", r"A-Za-z0-9/", 30, random=True),
    KeyFormat("webhook (Discord)", "discord.com/api/webhooks/", r"A-Za-z0-9_/\-", 60),
    KeyFormat("secret key (Stripe)", "sk_live_", _B62, 16),
    KeyFormat("test key (Stripe)", "sk_test_", _B62, 16),
    KeyFormat("restricted key (Stripe)", "rk_live_", _B62, 16),
    KeyFormat("restricted test key (Stripe)", "rk_test_", _B62, 16),
    KeyFormat("webhook secret (Stripe)", "whsec_", _B64, 24),
    KeyFormat("access token (Square)", "sq0atp-", _URL, 22),
    KeyFormat("client secret (Square)", "sq0csp-", _URL, 40),
    KeyFormat("access token (Square)", "EAAA", r"A-Za-z0-9_\-+", 56, random=True),
    KeyFormat("access token (Facebook)", "EAAC", _B62, 60, random=True),
    KeyFormat("access token (Shopify)", "shpat_", "0-9a-fA-F", 32),
    KeyFormat("custom app token (Shopify)", "shpca_", "0-9a-fA-F", 32),
    KeyFormat("private app token (Shopify)", "shppa_", "0-9a-fA-F", 32),
    KeyFormat("shared secret (Shopify)", "shpss_", "0-9a-fA-F", 32),
    KeyFormat("access token (npm)", "npm_", _B62, 36),
    KeyFormat("API token (PyPI)", "pypi-", _URL, 50, random=True),
    KeyFormat("API key (RubyGems)", "rubygems_", _HEX, 48),
    KeyFormat("access token (Docker)", "dckr_pat_", _URL, 24),
    KeyFormat("API key (SendGrid)", "SG.", _DOTTED, 60, whole=r"SG\.[\w\-]{16,32}\.[\w\-]{32,64}"),
    KeyFormat("API key (Brevo)", "xkeysib-", r"a-z0-9\-", 64),
    KeyFormat("API key (Mailgun)", "key-", _HEX, 32, 32, random=True),
    KeyFormat("API key (Twilio)", "SK", _HEX, 32, 32),
    KeyFormat("account id (Twilio)", "AC", _HEX, 32, 32),
    KeyFormat("secret key (Mapbox)", "sk.eyJ", _DOTTED, 60),
    KeyFormat("access token (Databricks)", "dapi", r"0-9a-f\-", 32, 36),
    KeyFormat("API key (Linear)", "lin_api_", _B62, 40),
    KeyFormat("integration token (Notion)", "ntn_", _B62, 40),
    KeyFormat("API token (Figma)", "figd_", _URL, 40),
    KeyFormat("API key (Postman)", "PMAK-", r"0-9a-f\-", 50),
    KeyFormat("user API key (New Relic)", "NRAK-", _CAPITALS, 27),
    KeyFormat("service account token (Grafana)", "glsa_", r"A-Za-z0-9_", 40),
    KeyFormat("Cloud API key (Grafana)", "glc_", r"A-Za-z0-9+/", 32),
    KeyFormat("service token (Vault)", "hvs.", _URL, 24, random=True),
    KeyFormat("batch token (Vault)", "hvb.", _URL, 100),
    KeyFormat("access token (Doppler)", "dp.pt.", _B62, 40),
    KeyFormat("service token (Doppler)", "dp.st.", _DOTTED, 40, random=True),
    KeyFormat("access token (Dropbox)", "sl.", _URL, 100, random=True),
    KeyFormat("auth token (Sentry)", "sntrys_", r"A-Za-z0-9+/_", 60),
    KeyFormat("user token (Sentry)", "sntryu_", _HEX, 60),
    KeyFormat("access token (Supabase)", "sbp_", _HEX, 40),
    KeyFormat("secret key (Supabase)", "sb_secret_", _URL, 24),
    KeyFormat("access token (Netlify)", "nfp_", _B62, 36),
    KeyFormat("API key (Fly.io)", "fo1_", _URL, 40),
    KeyFormat("access token (Pulumi)", "pul-", _HEX, 40),
    KeyFormat("token (PlanetScale)", "pscale_", r"A-Za-z0-9_.\-", 36, random=True),
    KeyFormat("user token (SonarQube)", "squ_", _HEX, 40),
    KeyFormat("project token (SonarQube)", "sqp_", _HEX, 40),
    KeyFormat("API token (Contentful)", "CFPAT-", _URL, 40),
    KeyFormat("API key (Typeform)", "tfp_", _DOTTED, 40, random=True),
    KeyFormat("API key (Artifactory)", "AKCp", _B62, 50),
    KeyFormat("secret key (Clojars)", "CLOJARS_", _B62, 40),
    KeyFormat("API key (EasyPost)", "EZAK", _B62, 54),
    KeyFormat("access token (Yandex)", "t1.", r"A-Za-z0-9_.\-", 100, random=True),
    KeyFormat("secret key (age)", "AGE-SECRET-KEY-1", _CAPITALS, 50),
)  # fmt: skip
"""In no particular order. Each has a test of its own."""

BY_BEGINNING: dict[bytes, tuple[KeyFormat, ...]] = {
    begins.encode(): tuple(key_format for key_format in KEY_FORMATS if begins.startswith(key_format.begins))
    for begins in sorted({key_format.begins for key_format in KEY_FORMATS}, key=len, reverse=True)
}


BEGINNINGS = frozenset({begins[:length] for begins in BY_BEGINNING for length in (1, 2)})
"""The first one and two bytes of all keys."""
LONGEST_BEGINNING = max(map(len, BY_BEGINNING))


def _cut(key_format: KeyFormat) -> bytes:
    """A pattern for every beginning of a key."""
    pattern = f"[{key_format.chars}]*".encode()
    for byte in reversed(key_format.begins.encode()):
        pattern = re.escape(bytes([byte])) + b"(?:" + pattern + b")?"
    return pattern


# A key does not begin after a letter or digit, except one that ends an escape (\n, \u003d, %0A).
_BEGIN = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})|(?<=%0[AaDd]))"
_FIRST = b"".join(sorted({re.escape(begins[:1]) for begins in BY_BEGINNING}))
CANDIDATE = re.compile(b"(?=[" + _FIRST + b"])" + _BEGIN + b"(?:" + b"|".join(map(re.escape, BY_BEGINNING)) + b")")
"""Where a key may begin."""


@cache
def unfinished() -> re.Pattern[bytes]:
    """A possible beginning of a key at the end of a text; only a recording looks for one."""
    return re.compile(b"(?=[" + _FIRST + b"])" + _BEGIN + b"(?:" + b"|".join(map(_cut, KEY_FORMATS)) + rb")\Z")
