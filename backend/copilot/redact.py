"""Redaction: removes secrets and personal data before text is sent to a model."""

import re
from collections.abc import Mapping

from pipelines.core.secrets import secret

_SECRETS = ("LLM_API_KEY", "ARTIFACT_SIGNING_KEY", "API_KEYS", "MONITORING_WEBHOOK_URL", "APP_API_KEY")
_PATTERNS = {
    "e-mail address": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "key": re.compile(r"\b(?:sk|pk|rk|fc|ghp|gho|xox[abp]|AKIA|AIza|eyJ)[-_A-Za-z0-9.]{16,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", re.DOTALL),
    "account number": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"),
    "card number": re.compile(r"\b\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}\b|\b\d{15,19}\b"),
    "phone number": re.compile(r"(?<![\w.])(?:\+|00)\d[\d ()/-]{7,17}\d\b|\b0\d{2,4}[ /-]\d{3,4}[ -]?\d{2,6}\b"),
    "address on the web": re.compile(r"\bhttps?://\S+"),
}


def redact(text: str, environ: Mapping[str, str] | None = None) -> str:
    """The text with keys, addresses and personal numbers replaced by `[removed: …]`."""
    for name in _SECRETS:
        if known := secret(name, environ):
            text = text.replace(known, "[removed: key]")
    for what, pattern in _PATTERNS.items():
        text = pattern.sub(f"[removed: {what}]", text)
    return text
