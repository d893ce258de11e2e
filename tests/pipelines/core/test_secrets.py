"""Secrets by environment or mounted file, and what refuses to start without them."""

from pathlib import Path

import pytest

from pipelines.core.environment import signing
from pipelines.core.errors import ConfigError
from pipelines.core.secrets import secret

VALUE = "s3cr3t-" * 6


def test_a_secret_is_a_variable_or_a_file(tmp_path: Path) -> None:
    """Without the white space around it; an empty variable is none."""
    (tmp_path / "key").write_text(f" {VALUE}\n")
    assert secret("KEY", {"KEY": f"{VALUE} "}) == VALUE
    assert secret("KEY", {"KEY_FILE": str(tmp_path / "key")}) == VALUE
    assert secret("KEY", {"KEY": "", "KEY_FILE": str(tmp_path / "key")}) == VALUE
    assert secret("KEY", {"KEY": "", "KEY_FILE": ""}) is None
    assert secret("KEY", {}) is None


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff" + VALUE.encode()])
def test_a_file_without_a_secret_is_told(tmp_path: Path, content: bytes | None) -> None:
    """One that is not there, empty or no text: by its variable, without what is in it."""
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match=r"KEY_FILE: the file .* (cannot be read|is empty)") as caught:
        secret("KEY", {"KEY_FILE": str(tmp_path / "key")})
    assert VALUE not in str(caught.value)


def test_two_sources_of_one_secret_are_refused(tmp_path: Path) -> None:
    """Nobody should have to know which one wins."""
    (tmp_path / "key").write_text(VALUE)
    with pytest.raises(ConfigError, match="KEY and KEY_FILE are both set") as caught:
        secret("KEY", {"KEY": VALUE, "KEY_FILE": str(tmp_path / "key")})
    assert VALUE not in str(caught.value)


def test_scripts_sign_and_check_outside_dev() -> None:
    """In dev the key is optional; in staging and prod nothing begins without a long one, and all problems are told."""
    assert signing({}) == (None, False)
    assert signing({"ARTIFACT_SIGNING_KEY": "short"}) == ("short", False)
    for environment in ("staging", "prod"):
        given = {"APP_ENV": environment, "ARTIFACT_SIGNING_KEY": VALUE}
        assert signing(given) == (VALUE, True)
        with pytest.raises(
            ConfigError, match=r"ARTIFACT_SIGNING_KEY: it is not set(.|\n)*WEBHOOK_URL: it does not begin"
        ) as caught:
            signing({"APP_ENV": environment, "MONITORING_WEBHOOK_URL": f"http://hooks.example/{VALUE}"})
        assert VALUE not in str(caught.value)
