"""Errors carry data: every place that raises one gives a documented code and a remedy, and names the field it blames."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.core import errors
from pipelines.core.codes import CODES
from pipelines.core.errors import ForecastError, Several, StoreError
from pipelines.forecasting import preview
from pipelines.forecasting.etl.rejected import NoUsableRow
from tests.support.site import ROOT

KINDS = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ForecastError)
}
OWN_DATA = {"UnknownName", "MissingColumn", NoUsableRow.__name__}  # classes that give code and remedy themselves
FILES = [file for part in ("pipelines", "backend", "scripts") for file in sorted((ROOT / part).rglob("*.py"))]


def calls() -> Iterator[tuple[str, str, ast.Call, dict[str, ast.expr]]]:
    """Where each error is made: file and line, its class, the call and its keywords."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in KINDS or name == "EmbeddingFailed":
                given = {word.arg or "**": word.value for word in node.keywords}
                yield f"{file.relative_to(ROOT)}:{node.lineno}", name, node, given


SITES = [pytest.param(name, node, given, id=where) for where, name, node, given in calls() if name not in OWN_DATA]


def literals() -> set[str]:
    """Every code that stands in the code."""
    codes = {kind.default_code for kind in KINDS.values()}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                codes.add(str(node.value.value))
    return codes | set(of_pdfs())


def of_pdfs() -> Iterator[str]:
    """The codes of the process that reads PDFs, which imports nothing of ours and gives them by position."""
    for node in ast.walk(ast.parse((ROOT / "backend/knowledge/pdf.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_wrong":
            assert isinstance(node.args[1], ast.Constant)
            yield str(node.args[1].value)


@pytest.mark.parametrize(("name", "node", "given"), SITES)
def test_every_error_is_raised_with_a_code_and_a_remedy(name: str, node: ast.Call, given: dict[str, ast.expr]) -> None:
    """Also one that is passed on keeps its code; what the storage raises may have the code of its class."""
    if "**" in given:  # the data of another process
        assert ast.unparse(node) == "DataError(**answer['error'])"
        return
    if issubclass(KINDS.get(name, ForecastError), Several):  # each of its problems has its own
        assert ast.literal_eval(given["code"]) in CODES
        return
    remedy = given["remedy"]
    assert not (isinstance(remedy, ast.Constant) and not remedy.value), "an empty remedy"
    if "code" not in given:
        assert name == "EmbeddingFailed" or issubclass(KINDS[name], StoreError)
    elif isinstance(given["code"], ast.Constant):
        assert given["code"].value in CODES
    else:
        assert isinstance(given["code"], ast.Attribute)
        assert given["code"].attr == "code"


@pytest.mark.parametrize(("name", "node", "given"), SITES)
def test_every_error_of_the_data_names_the_field_that_it_blames(
    name: str, node: ast.Call, given: dict[str, ast.expr]
) -> None:
    """In what is wrong or in the remedy; a ConfigError begins with it by itself."""
    if name not in ("DataError", "ModelError") or not isinstance(given.get("field"), ast.Constant):
        return
    parts = [node.args[0], given["remedy"]]
    if all(isinstance(part, ast.Constant | ast.JoinedStr) for part in parts):
        assert str(ast.literal_eval(given["field"])) in " ".join(map(ast.unparse, parts))


def test_every_code_is_used_and_has_a_meaning_of_its_own() -> None:
    """No code is undocumented, none is documented in vain, and no two mean the same."""
    assert literals() == set(CODES)
    assert len(set(CODES.values())) == len(CODES)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{2,39}", code) for code in CODES)
    assert all(meaning.endswith(".") for meaning in CODES.values())


def test_remedies_for_uploads_are_of_known_codes() -> None:
    """And none of them speaks of a workspace file, which whoever uploads does not have."""
    assert set(preview._REMEDIES) <= set(CODES)
    for remedy in preview._REMEDIES.values():
        assert "source." not in remedy
        assert "workspace file" not in remedy


def test_no_code_decides_by_the_words_of_an_error() -> None:
    """Nothing searches `str(error)`: whoever wants to know what is wrong asks the error."""
    asked = re.compile(r"\bin str\(\w*(error|problem)\w*\)|re\.\w+\([^)]*str\(\w*(error|problem)\w*\)")
    assert not [file.name for file in FILES for line in file.read_text().splitlines() if asked.search(line)]
    assert Path(preview.__file__).read_text().count("import re\n") == 0
