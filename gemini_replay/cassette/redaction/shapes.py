"""The shapes of keys and tokens: the kinds that public secret scanners agree on, one row each.

A key is known by how it begins, by the characters that may follow, and by how many there are. What has no beginning
of its own, such as the secret key of AWS, is known by the name before it (see `telling_names`) alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LONGEST = 4096
"""Bytes; a row of token characters that is longer is data, not a token."""

_B62 = "A-Za-z0-9"
_URL = r"A-Za-z0-9_\-"
_DOTTED = r"A-Za-z0-9_\-."
_B64 = "A-Za-z0-9+/"
_HEX = "0-9a-f"
_CAPITALS = "A-Z0-9"


@dataclass(frozen=True)
class Shape:
    """One kind of key.

    Attributes:
        kind: what it is, in words.
        begins: how it begins.
        chars: which characters follow, as the inside of a regular expression's class.
        least: how many of them, at least.
        most: how many of them, at most.
        random: whether what follows must look random as well, since the beginning occurs in innocent text.
        whole: a regular expression that the whole key must match too, where that says more.
    """

    kind: str
    begins: str
    chars: str
    least: int
    most: int = LONGEST - 100
    random: bool = False
    whole: str = ""
    pattern: re.Pattern[bytes] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        text = f"{re.escape(self.begins)}[{self.chars}]{{{self.least},{self.most}}}"
        if self.whole:
            text = f"(?={self.whole}(?![A-Za-z0-9])){text}"
        object.__setattr__(self, "pattern", re.compile(text.encode() + rb"(?<!\.)(?![A-Za-z0-9])"))


SHAPES = (
    Shape("API key (Google)", "AIza", _URL, 35, 35),
    Shape("API key bound to a service account (Google)", "AQ.", _URL, 30, random=True),
    Shape("access token (Google)", "ya29.", _DOTTED, 20),
    Shape("refresh token (Google)", "1//", _URL, 30, random=True),
    Shape("client secret (Google)", "GOCSPX-", _URL, 20),
    Shape("ephemeral token (Gemini)", "auth_tokens/", _URL, 12, random=True),
    Shape("JSON Web Token", "eyJ", _DOTTED, 30, whole=r"eyJ[\w\-]{8,1300}\.eyJ[\w\-]{8,2400}\.[\w\-]{8,1300}"),
    Shape("API key (OpenAI, Anthropic and others)", "sk-", _URL, 20, random=True),
    Shape("admin key (OpenAI)", "sess-", _B62, 40, random=True),
    Shape("API key (Groq)", "gsk_", _B62, 40),
    Shape("API key (xAI)", "xai-", _URL, 60),
    Shape("API key (Perplexity)", "pplx-", _B62, 40),
    Shape("API key (NVIDIA)", "nvapi-", _URL, 50),
    Shape("API key (LangSmith)", "lsv2_", r"A-Za-z0-9_", 40),
    Shape("API key (Pinecone)", "pcsk_", r"A-Za-z0-9_", 40),
    Shape("API token (Replicate)", "r8_", _B62, 37),
    Shape("access token (Hugging Face)", "hf_", _B62, 30, random=True),
    Shape("organization token (Hugging Face)", "api_org_", _B62, 30, random=True),
    Shape("personal access token (GitHub)", "ghp_", _B62, 36),
    Shape("OAuth token (GitHub)", "gho_", _B62, 36),
    Shape("user token (GitHub)", "ghu_", _B62, 36),
    Shape("server token (GitHub)", "ghs_", r"A-Za-z0-9_.\-", 36),
    Shape("refresh token (GitHub)", "ghr_", _B62, 36),
    Shape("fine-grained access token (GitHub)", "github_pat_", r"A-Za-z0-9_", 36),
    Shape("personal access token (GitLab)", "glpat-", _DOTTED, 20, random=True),
    Shape("deploy token (GitLab)", "gldt-", _URL, 20, random=True),
    Shape("runner token (GitLab)", "glrt-", _DOTTED, 20, random=True),
    Shape("pipeline trigger token (GitLab)", "glptt-", _URL, 20, random=True),
    Shape("job token (GitLab)", "glcbt-", _URL, 20, random=True),
    Shape("runner registration token (GitLab)", "GR1348941", _URL, 20),
    Shape("access token (Bitbucket)", "ATBB", _B62, 28, random=True),
    Shape("API token (Atlassian)", "ATATT3", r"A-Za-z0-9_\-", 60),
    Shape("access key (AWS)", "AKIA", _CAPITALS, 16, 16),
    Shape("temporary access key (AWS)", "ASIA", _CAPITALS, 16, 16),
    Shape("session token (AWS)", "IQoJb3JpZ2lu", _B64, 100),
    Shape("session token (AWS)", "FwoGZXIvYXdz", _B64, 100),
    Shape("Bedrock API key (AWS)", "ABSK", _B64, 100),
    Shape("access key (Alibaba)", "LTAI", _B62, 16, 30, random=True),
    Shape("secret id (Tencent)", "AKID", _B62, 32, 60, random=True),
    Shape("personal access token (DigitalOcean)", "dop_v1_", _HEX, 60),
    Shape("OAuth token (DigitalOcean)", "doo_v1_", _HEX, 60),
    Shape("refresh token (DigitalOcean)", "dor_v1_", _HEX, 60),
    Shape("bot or user token (Slack)", "xox", r"A-Za-z0-9\-", 20, random=True, whole=r"xox[abeoprs]-[\w\-]{18,}"),
    Shape("configuration token (Slack)", "xoxe.xox", r"A-Za-z0-9\-", 20, random=True),
    Shape("app token (Slack)", "xapp-", r"A-Za-z0-9\-", 30, random=True),
    Shape("webhook (Slack)", "hooks.slack.com/", r"A-Za-z0-9/", 30, random=True),
    Shape("webhook (Discord)", "discord.com/api/webhooks/", r"A-Za-z0-9_/\-", 60),
    Shape("secret key (Stripe)", "sk_live_", _B62, 16),
    Shape("test key (Stripe)", "sk_test_", _B62, 16),
    Shape("restricted key (Stripe)", "rk_live_", _B62, 16),
    Shape("restricted test key (Stripe)", "rk_test_", _B62, 16),
    Shape("webhook secret (Stripe)", "whsec_", _B64, 24),
    Shape("access token (Square)", "sq0atp-", _URL, 22),
    Shape("client secret (Square)", "sq0csp-", _URL, 40),
    Shape("access token (Square)", "EAAA", r"A-Za-z0-9_\-+", 56, random=True),
    Shape("access token (Facebook)", "EAAC", _B62, 60, random=True),
    Shape("access token (Shopify)", "shpat_", "0-9a-fA-F", 32),
    Shape("custom app token (Shopify)", "shpca_", "0-9a-fA-F", 32),
    Shape("private app token (Shopify)", "shppa_", "0-9a-fA-F", 32),
    Shape("shared secret (Shopify)", "shpss_", "0-9a-fA-F", 32),
    Shape("access token (npm)", "npm_", _B62, 36),
    Shape("API token (PyPI)", "pypi-", _URL, 50, random=True),
    Shape("API key (RubyGems)", "rubygems_", _HEX, 48),
    Shape("access token (Docker)", "dckr_pat_", _URL, 24),
    Shape("API key (SendGrid)", "SG.", _DOTTED, 60, whole=r"SG\.[\w\-]{16,32}\.[\w\-]{32,64}"),
    Shape("API key (Brevo)", "xkeysib-", r"a-z0-9\-", 64),
    Shape("API key (Mailgun)", "key-", _HEX, 32, 32, random=True),
    Shape("API key (Twilio)", "SK", _HEX, 32, 32),
    Shape("account id (Twilio)", "AC", _HEX, 32, 32),
    Shape("secret key (Mapbox)", "sk.eyJ", _DOTTED, 60),
    Shape("access token (Databricks)", "dapi", r"0-9a-f\-", 32, 36),
    Shape("API key (Linear)", "lin_api_", _B62, 40),
    Shape("integration token (Notion)", "ntn_", _B62, 40),
    Shape("API token (Figma)", "figd_", _URL, 40),
    Shape("API key (Postman)", "PMAK-", r"0-9a-f\-", 50),
    Shape("user API key (New Relic)", "NRAK-", _CAPITALS, 27),
    Shape("service account token (Grafana)", "glsa_", r"A-Za-z0-9_", 40),
    Shape("Cloud API key (Grafana)", "glc_", r"A-Za-z0-9+/", 32),
    Shape("service token (Vault)", "hvs.", _URL, 24, random=True),
    Shape("batch token (Vault)", "hvb.", _URL, 100),
    Shape("access token (Doppler)", "dp.pt.", _B62, 40),
    Shape("service token (Doppler)", "dp.st.", _DOTTED, 40, random=True),
    Shape("access token (Dropbox)", "sl.", _URL, 100, random=True),
    Shape("auth token (Sentry)", "sntrys_", r"A-Za-z0-9+/_", 60),
    Shape("user token (Sentry)", "sntryu_", _HEX, 60),
    Shape("access token (Supabase)", "sbp_", _HEX, 40),
    Shape("secret key (Supabase)", "sb_secret_", _URL, 24),
    Shape("access token (Netlify)", "nfp_", _B62, 36),
    Shape("API key (Fly.io)", "fo1_", _URL, 40),
    Shape("access token (Pulumi)", "pul-", _HEX, 40),
    Shape("token (PlanetScale)", "pscale_", r"A-Za-z0-9_.\-", 36, random=True),
    Shape("user token (SonarQube)", "squ_", _HEX, 40),
    Shape("project token (SonarQube)", "sqp_", _HEX, 40),
    Shape("API token (Contentful)", "CFPAT-", _URL, 40),
    Shape("API key (Typeform)", "tfp_", _DOTTED, 40, random=True),
    Shape("API key (Artifactory)", "AKCp", _B62, 50),
    Shape("secret key (Clojars)", "CLOJARS_", _B62, 40),
    Shape("API key (EasyPost)", "EZAK", _B62, 54),
    Shape("access token (Yandex)", "t1.", r"A-Za-z0-9_.\-", 100, random=True),
    Shape("secret key (age)", "AGE-SECRET-KEY-1", _CAPITALS, 50),
)  # fmt: skip
"""In no order. Each has a test of its own name."""

BY_BEGINNING: dict[bytes, tuple[Shape, ...]] = {
    begins.encode(): tuple(shape for shape in SHAPES if begins.startswith(shape.begins))
    for begins in sorted({shape.begins for shape in SHAPES}, key=len, reverse=True)
}


BEGINNINGS = frozenset({begins[:length] for begins in BY_BEGINNING for length in (1, 2)})
"""The first one and two bytes of all keys."""


def _cut(shape: Shape) -> bytes:
    """A pattern for any beginning of a key: of how it begins, or that with some of what follows."""
    pattern = f"[{shape.chars}]*".encode()
    for byte in reversed(shape.begins.encode()):
        pattern = re.escape(bytes([byte])) + b"(?:" + pattern + b")?"
    return pattern


# A key does not begin behind a letter or digit, but for those that end an escape (\n, \u003d, %0A).
_BEGIN = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})|(?<=%0[AaDd]))"
CANDIDATE = re.compile(_BEGIN + b"(?:" + b"|".join(map(re.escape, BY_BEGINNING)) + b")")
"""Where a key may begin."""
UNFINISHED = re.compile(_BEGIN + b"(?:" + b"|".join(map(_cut, SHAPES)) + rb")\Z")
"""What may be the beginning of a key, at the end of a text."""
