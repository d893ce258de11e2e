"""The manifest: what it lists is what was written, and who signed it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.errors import Untrusted
from pipelines.storage.manifest import Entry, Manifest

SHA_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
FILES = {"a": Entry.of(b"aaaa"), "b/c": Entry.of(b"")}


def test_an_entry_is_size_and_sha256() -> None:
    """The published test vector of SHA-256."""
    assert Entry.of(b"abc") == Entry(3, SHA_OF_ABC)


@given(st.dictionaries(st.text(), st.binary()), st.none() | st.text(min_size=1))
def test_a_manifest_survives_its_json(contents: dict[str, bytes], key: str | None) -> None:
    """Whatever the names and the key, the same list and signature come back and pass the check."""
    manifest = Manifest({name: Entry.of(content) for name, content in contents.items()}).signed(key)
    again = Manifest.from_json(manifest.to_json(), "here")
    assert again == manifest
    again.check(key, required=key is not None, where="here")


@pytest.mark.parametrize(
    "content",
    [
        *[b"", b"{", b"[]", b"null", b"1", b"{}", b"\xff\xfe", b'{"files": {}}', b'{"files": [], "signature": null}'],
        b'{"files": {"a": 1}, "signature": null}',
        b'{"files": {"a": {"size": 1}}, "signature": null}',
        b'{"files": {"a": {"size": 1, "sha256": "", "more": 1}}, "signature": null}',
    ],
)
def test_a_manifest_that_cannot_be_read_is_not_trusted(content: bytes) -> None:
    """Broken JSON, or JSON of another form, names the directory."""
    with pytest.raises(Untrusted, match="here: the manifest cannot be read"):
        Manifest.from_json(content, "here")


@pytest.mark.parametrize("signature", [5, True, [], {}, "", "ä", "\udc80"])
def test_a_signature_of_any_kind_is_wrong_not_a_crash(signature: Any) -> None:
    """Numbers, lists and letters that no signature has are refused like any wrong signature."""
    values = {"files": {}, "signature": signature}
    with pytest.raises(Untrusted, match="signature is wrong"):
        Manifest.from_json(json.dumps(values).encode(), "here").check("key", required=False, where="here")


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    "files",
    [
        {"a": Entry.of(b"aaaa")},
        {**FILES, "d": Entry.of(b"")},
        {**FILES, "a": Entry.of(b"aaab")},
        {**FILES, "a": Entry(5, Entry.of(b"aaaa").sha256)},
        {"a2": FILES["a"], "b/c": FILES["b/c"]},
        {"b/c": FILES["a"], "a": FILES["b/c"]},
    ],
    ids=["file less", "file more", "other content", "other size", "other name", "names swapped"],
)
def test_a_changed_list_breaks_the_signature(files: dict[str, Entry], required: bool) -> None:
    """Nobody without the key can add, remove, rename or exchange a file."""
    changed = Manifest(files, Manifest(FILES).signed("key").signature)
    with pytest.raises(Untrusted, match="signature is wrong"):
        changed.check("key", required, "here")


@given(st.text(), st.text())
def test_two_lists_never_share_a_signature(name: str, other: str) -> None:
    """One file whose name imitates the end of one entry and the start of the next is not two files."""
    two = {name: FILES["a"], other: FILES["a"]}
    imitation = f"{name}\0{FILES['a'].size}\0{FILES['a'].sha256}\n{other}"
    assert Manifest(two).signed("key").signature != Manifest({imitation: FILES["a"]}).signed("key").signature


def test_signatures_are_missing_wrong_or_right() -> None:
    """Each way to fail says what to do."""
    unsigned, signed = Manifest(FILES), Manifest(FILES).signed("key")
    unsigned.check("key", required=False, where="here")
    signed.check("key", required=True, where="here")
    for manifest, key, message in [
        (unsigned, "key", "Make it again with ARTIFACT_SIGNING_KEY"),
        (signed, "other", "signed with another key"),
        (signed, None, "ARTIFACT_SIGNING_KEY is not set"),
        (unsigned, None, "ARTIFACT_SIGNING_KEY is not set"),
    ]:
        with pytest.raises(Untrusted, match=message):
            manifest.check(key, required=True, where="here")


def test_a_file_is_checked_by_name_and_content() -> None:
    """The content of one name is not accepted under another."""
    manifest = Manifest(FILES)
    manifest.check_file("a", b"aaaa", "here")
    with pytest.raises(Untrusted, match="here/b/c: the content is not what was written"):
        manifest.check_file("b/c", b"aaaa", "here")
    with pytest.raises(Untrusted, match="does not list"):
        manifest.check_file("d", b"aaaa", "here")
