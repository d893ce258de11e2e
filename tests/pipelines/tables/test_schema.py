"""Names from outside: what passes is one harmless part of a path."""

import contextlib
import re
import string
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError
from pipelines.core.names import new_version, printable, safe_name, safe_version
from pipelines.tables.schema import hi, lo

ALLOWED = string.ascii_letters + string.digits + "._-"
tricky = st.text(st.sampled_from(ALLOWED + "/\\\0\n :~%"), max_size=12) | st.text()


@given(tricky)
@example("..")
@example("a..b")
@example("a\n")
@example("ａ")
def test_what_passes_is_one_part_of_a_path(name: str) -> None:
    """No slash, no parent, no leading dot or dash, no control character, at most 100 characters of ASCII."""
    with contextlib.suppress(ConfigError):
        assert safe_name(name) == name
        assert set(name) <= set(ALLOWED)
        assert 1 <= len(name) <= 100
        assert name[0] not in ".-_"
        assert PurePosixPath("root", name).parent == PurePosixPath("root")
        assert ".." not in name


@pytest.mark.parametrize("name", ["a", "A1", "electricity", "shop-3_daily.v2", "x" * 100])
def test_ordinary_names_pass(name: str) -> None:
    """Letters, digits, dot, dash and underscore."""
    assert safe_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a", "a\\b", "a\0", "a b", ".hidden", "-x", "x" * 101])
def test_a_refused_name_is_shown_harmlessly(name: str) -> None:
    """The message says what it is, shows it on one line, and says what is allowed."""
    with pytest.raises(ConfigError, match=r"^upload .* is not allowed. Use 1 to 100 letters") as caught:
        safe_name(name, "upload")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("name", ["", "latest", "20240101T000000Z-0123456", "٢٠٢٤٠١٠١T000000Z-01234567", "../x", "x\n"])
def test_a_version_has_one_form(name: str) -> None:
    """Only what new_version makes."""
    version = new_version()
    assert safe_version(version) == version
    for wrong in (name, version + "\n", version.upper() + "0"):
        with pytest.raises(ConfigError, match="form YYYYMMDDTHHMMSSZ-xxxxxxxx"):
            safe_version(wrong, "run")


@given(st.text())
def test_printable_is_one_short_line(text: str) -> None:
    """Control characters and the end of long text are replaced; the rest stays."""
    shown = printable(text, 20)
    assert len(shown) <= 20
    assert not re.search(r"[\x00-\x1f\x7f\u202e]", shown)
    assert shown == text or "?" in shown or shown.endswith("…")


def test_the_columns_of_an_interval() -> None:
    """80 percent lies between lo_80 and hi_80."""
    assert (lo(80), hi(80)) == ("lo_80", "hi_80")
