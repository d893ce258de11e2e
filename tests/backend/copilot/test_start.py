"""The libraries behind the search are not there before somebody searches."""

import subprocess
import sys

from tests.support.site import ROOT


def test_the_service_starts_without_what_searching_needs() -> None:
    """ChromaDB, BM25, PDF and the provider's client are imported by the first who needs them."""
    heavy = ("chromadb", "bm25s", "pypdf", "openai", "scipy", "onnxruntime", "sentence_transformers")
    code = f"import sys, backend.app; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
