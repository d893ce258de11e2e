"""Which sources there are, and that what is searched is always what they are now."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from backend.copilot.agent import Copilot
from backend.copilot.answers import AnswerOut, ExplainIn
from backend.copilot.settings import CopilotSettings
from backend.core.catalog import Catalog
from backend.core.errors import Problem
from backend.core.metrics import Metrics
from backend.knowledge import embeddings, notes, sources
from backend.knowledge.embeddings import EmbeddingFailed, Lexical, Provider
from backend.knowledge.knowledge import Hit, Knowledge
from backend.knowledge.sources import Source
from pipelines.forecasting import payload, settings
from pipelines.forecasting.monitoring.alerts import Alert, raise_new
from pipelines.runs.aliases import promote
from pipelines.storage.store import Store, Stores
from tests.backend.conftest import connect, part
from tests.support.site import Site

DESCRIPTIONS = "descriptions: {price: What one piece costs on the day., unit_code: Of the till.}\n"


@pytest.fixture
def knowledge(changeable: Site) -> Knowledge:
    """Of a project that the test may change."""
    return part(connect(changeable), Knowledge)


def names(knowledge: Knowledge, workspace: str = "shop") -> dict[str, list[str]]:
    """The names of the sources by kind."""
    found: dict[str, list[str]] = {}
    for one in asyncio.run(knowledge.sources(workspace)):
        found.setdefault(one.source.kind, []).append(one.source.name)
    return found


def search(knowledge: Knowledge, query: str, workspace: str = "shop", limit: int = 5) -> list[Hit]:
    return asyncio.run(knowledge.search(workspace, query, limit)).hits


def test_the_sources_are_what_is_written_down(knowledge: Knowledge, changeable: Site) -> None:
    """The sources are the cards of production and of the run before it, quality, dictionary and help."""
    found = names(knowledge)
    assert found["run card"] == [f"production run {changeable.second}", f"earlier run {changeable.first}"]
    assert found["dictionary"] == ["data dictionary"]
    assert found["quality report"] == [f"quality of data {changeable.reader.current('shop')}"]
    assert {"help/glossary.md", "help/models.md"} <= set(found["help"])
    assert set(found) == {"run card", "dictionary", "quality report", "help"}
    assert set(names(knowledge, "empty")) == {"dictionary", "help"}
    project = {one.source.name for one in asyncio.run(knowledge.project_sources())}
    assert {"README.md", "docs/WORKSPACES.md", "docs/API.md"} <= project
    assert not {"docs/help/glossary.md", "docs/decisions/README.md"} & project


def test_every_quote_stands_in_its_source(knowledge: Knowledge) -> None:
    """Byte for byte, with the source's id and kind."""
    texts = {one.source.id: one.source for one in asyncio.run(knowledge.sources("shop"))}
    hits = [
        hit
        for query in ("price", "coverage of intervals", "seasonal naive", "gaps")
        for hit in search(knowledge, query)
    ]
    assert len(hits) > 10
    for hit in hits:
        source = texts[hit.source_id]
        assert hit.quote.encode() in source.text.encode()
        assert (hit.source, hit.kind) == (source.name, source.kind)


def test_the_dictionary_says_what_a_column_is(knowledge: Knowledge, changeable: Site) -> None:
    """Its role from the settings, its meaning from the workspace's file, as soon as that is changed."""
    first = search(knowledge, "what does price mean?")[0]
    assert (first.kind, first.heading) == ("dictionary", "Data dictionary of workspace shop › price")
    assert "future covariate" in first.quote
    path = changeable.folder / "configs/workspaces/shop.yaml"
    path.write_text(path.read_text() + DESCRIPTIONS)
    assert "What one piece costs on the day." in search(knowledge, "what does price mean?")[0].quote
    assert "Of the till." in search(knowledge, "what is unit_code?")[0].quote
    text = "".join(one.source.text for one in asyncio.run(knowledge.sources("shop")) if one.source.kind == "dictionary")
    for words in ("`store` is a key column", "`region` is a static attribute", "Its unit is pieces", "7 steps ahead"):
        assert words in text
    assert "/tmp/" not in text


def test_descriptions_change_no_run(changeable: Site) -> None:
    """A run need not be trained again for a better word."""
    before = settings.load_workspace("shop")
    path = changeable.folder / "configs/workspaces/shop.yaml"
    path.write_text(path.read_text() + DESCRIPTIONS)
    after = settings.load_workspace("shop")
    assert after.descriptions["price"].startswith("What one piece")
    assert payload.config_hash(after.complete("D")) == payload.config_hash(before.complete("D"))


def test_what_is_searched_follows_production(knowledge: Knowledge, changeable: Site) -> None:
    """After a roll-back the other card is the one of production, without a word to the index."""
    assert names(knowledge)["run card"][0] == f"production run {changeable.second}"
    promote(changeable.reader, "shop", changeable.first, "back", "production")
    assert names(knowledge)["run card"] == [f"production run {changeable.first}"]
    promote(changeable.reader, "shop", changeable.second, "again", "canary")
    assert names(knowledge)["run card"] == [f"production run {changeable.first}", f"canary run {changeable.second}"]


def test_alerts_can_be_found(knowledge: Knowledge, changeable: Site) -> None:
    """By what they say."""
    assert "alerts" not in {hit.kind for hit in search(knowledge, "drifted prices")}
    alert = Alert("shop", "drift", "price", "2024-04-01", "alert", "The price of Ash/tea has drifted.")
    raise_new(changeable.reader, [alert])
    assert "alerts" in {hit.kind for hit in search(knowledge, "drifted prices")}


def test_nothing_is_read_while_nothing_changes(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second search opens no file; a source that could not be read hides no other, and is tried again."""
    search(knowledge, "price")

    def fail(*_: Any) -> None:
        raise AssertionError("read again")

    with monkeypatch.context() as patch:
        patch.setattr(sources, "collect", fail)
        assert search(knowledge, "price")


def test_a_damaged_source_hides_no_other(knowledge: Knowledge, changeable: Site) -> None:
    """It is left out, and is there again once it is fixed."""
    card = changeable.folder / f"artifacts/shop/runs/{changeable.second}/card.md"
    text = card.read_text()
    card.write_text("damaged")
    assert "run card" not in names(knowledge)
    assert search(knowledge, "price")
    card.write_text(text)
    assert len(names(knowledge)["run card"]) == 2


def test_a_note_is_kept_once_and_found_until_it_is_deleted(knowledge: Knowledge, changeable: Site) -> None:
    """By its text: another name makes no other note. It survives a new process, and leaves no file behind."""
    text = b"# Elephants\n\nElephants visit Ash in July."
    (listed, new), (again, newer) = (
        asyncio.run(knowledge.add("shop", name, text, "ada")) for name in ("zoo.md", "other.md")
    )
    assert (new, newer, listed.source) == (True, False, again.source)
    assert (listed.source.name, listed.source.by, listed.source.kind, listed.chunks) == ("zoo.md", "ada", "note", 1)
    rebuilt = part(connect(changeable), Knowledge)
    hit = search(rebuilt, "when do elephants come?")[0]
    assert (hit.source, hit.quote) == ("zoo.md", text.decode())
    removed = asyncio.run(knowledge.remove("shop", hit.source_id))
    assert removed.source.text == text.decode()
    assert all("Elephants" not in hit.quote for one in (knowledge, rebuilt) for hit in search(one, "elephants"))
    left = (changeable.folder / "artifacts/shop/knowledge").rglob("*")
    assert not [path for path in left if path.is_file() and b"Elephants visit" in path.read_bytes()]
    with pytest.raises(Problem, match="no source"):
        asyncio.run(knowledge.remove("shop", hit.source_id))


def test_too_many_notes_are_refused(knowledge: Knowledge, changeable: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number and by their size; what was refused leaves nothing."""
    monkeypatch.setattr(notes, "MAX_NOTES", 1)
    asyncio.run(knowledge.add("shop", "one", b"first", "ada"))
    with pytest.raises(Problem, match="1 notes"):
        asyncio.run(knowledge.add("shop", "two", b"second", "ada"))
    monkeypatch.setattr(notes, "MAX_NOTES", 10)
    monkeypatch.setattr(notes, "MAX_CHUNKS", 3)
    with pytest.raises(Problem, match="this one has 4"):
        asyncio.run(knowledge.add("shop", "long", b"# a\nx\n# b\nx\n# c\nx\n# d\nx", "ada"))
    folder = Path(changeable.reader.artifacts.path(changeable.reader.places("shop").notes))
    assert len(list(folder.iterdir())) == 1


def test_two_who_add_the_same_text_at_once_share_a_note(changeable: Site) -> None:
    """The first note is kept; the other's copy is removed."""

    async def both() -> list[Any]:
        adding = (
            asyncio.to_thread(notes.add, changeable.reader, "shop", name, "same", "text", name) for name in "abcd"
        )
        return await asyncio.gather(*adding)

    found = asyncio.run(both())
    assert len({note_id for note_id, _ in found}) == 1
    assert sum(new for _, new in found) == 1
    folder = Path(changeable.reader.artifacts.path(changeable.reader.places("shop").notes))
    assert len(list(folder.iterdir())) == 1


def test_a_provider_that_fails_is_replaced_and_that_is_said(changeable: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the lexical embedding, in a collection of its own; the provider is left alone for a while."""
    asked: list[int] = []

    def fail(self: Provider, texts: Any) -> Any:
        asked.append(len(texts))
        raise EmbeddingFailed("not there")

    monkeypatch.setattr(Provider, "embed", fail)
    knowledge = Knowledge(
        changeable.reader, Catalog(changeable.reader, 1, Metrics()), Provider("small", "http://127.0.0.1:9/v1")
    )
    for _ in range(3):
        found = asyncio.run(knowledge.search("shop", "price"))
        assert found.hits
        assert found.embedding.kind == "lexical"
    assert len(asked) == 1


def test_workspaces_know_nothing_of_each_other(knowledge: Knowledge) -> None:
    """A note of one is not found in another."""
    asyncio.run(knowledge.add("shop", "zoo", b"Elephants visit Ash.", "ada"))
    assert search(knowledge, "elephants")
    assert search(knowledge, "elephants", "meter") == []
    with pytest.raises(Problem, match="no workspace"):
        search(knowledge, "price", "nowhere")


def test_on_an_object_store_the_index_is_made_in_a_folder_of_its_own(site: Site) -> None:
    """All in it follows from what is stored."""
    stores = Stores(Store(str(site.folder / "data")), Store("memory://knowledge"))
    knowledge = Knowledge(stores, Catalog(stores, 1, Metrics()), Lexical())
    found = asyncio.run(knowledge.search("shop", "what does price mean"))
    assert found.hits[0].kind == "dictionary"
    assert not (site.folder / "artifacts/shop/knowledge").exists()


def test_a_source_is_what_its_text_and_name_are() -> None:
    """The digest changes with each of them, and only with them."""
    base = Source("1", "name", "note", "text")
    assert base.digest == Source("2", "name", "note", "text", by="ada").digest
    assert (
        len({base.digest, Source("1", "other", "note", "text").digest, Source("1", "name", "note", "more").digest}) == 3
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("artifacts/shop/monitoring/alerts.jsonl", "alerts"),
        ("artifacts/shop/knowledge/notes.json", "note"),
        ("artifacts/shop/monitoring/current.json", "alerts"),
        ("configs/workspaces/shop.yaml", "dictionary"),
    ],
)
@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"null", b"[" * 100_000, b"- 1\n", b"covariates: 5\nsource: []\n"])
def test_one_damaged_file_stops_no_search(
    knowledge: Knowledge, changeable: Site, name: str, kind: str, content: bytes
) -> None:
    """Bytes that are no text, other JSON or YAML: what all other sources say is found."""
    path = changeable.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    kinds = {one.source.kind for one in asyncio.run(knowledge.sources("shop"))}
    assert {"run card", "quality report", "help"} <= kinds
    assert search(knowledge, "horizon")
    assert kind not in kinds or kind == "dictionary"


def blocked(site: Site, workspace: str = "shop") -> Path:
    """Makes the folder of notes and index one that cannot be written, whoever runs the tests."""
    path = site.folder / f"artifacts/{workspace}/knowledge"
    path.write_text("in the way")
    return path


def ask(knowledge: Knowledge, question: str) -> AnswerOut:
    copilot = Copilot(knowledge, Metrics(), CopilotSettings())
    ask = ExplainIn(workspace="shop", question=question)
    return asyncio.run(copilot.answer(ask, knowledge._catalog.open("shop")))


def test_where_artifacts_cannot_be_written_the_index_is_made_elsewhere(knowledge: Knowledge, changeable: Site) -> None:
    """All in it follows from what can be read, so search and copilot answer as ever; nothing is left when the service ends."""
    blocked(changeable)
    assert search(knowledge, "what does price mean?")[0].kind == "dictionary"
    assert names(knowledge)["run card"]
    answer = ask(knowledge, "what does price mean?")
    assert answer.grounding == "grounded"
    assert answer.citations
    scratch = Path(knowledge._scratch.name)  # type: ignore[union-attr]
    assert list(scratch.rglob("chroma.sqlite3"))
    knowledge.close()
    assert not list(scratch.rglob("chroma.sqlite3"))


def test_where_nothing_can_be_written_it_is_said(
    knowledge: Knowledge, changeable: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 that names both places; the copilot does not claim that nothing is written about a thing it could not look up."""
    blocked(changeable)

    def refuse(**_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(Problem, match=r"neither with the artifacts nor .* \(Read-only file system\)") as error:
        search(knowledge, "price")
    assert error.value.status == 503
    answer = ask(knowledge, "what does price mean?")
    assert answer.grounding == "abstained"
    assert "cannot be searched at the moment" in answer.explanation
    assert "is not known" in answer.explanation


def test_a_search_that_finds_nothing_still_says_so(knowledge: Knowledge) -> None:
    """Only then does the copilot say that no document has it."""
    answer = ask(knowledge, "what does flibbertigibbet mean?")
    assert "cannot be searched" not in answer.explanation


def test_hundreds_of_workspaces_are_searched_with_a_few_indexes(
    knowledge: Knowledge, changeable: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, none is refused, and the open files are those of the last few."""
    folder = changeable.folder / "configs/workspaces"
    for number in range(30):
        (folder / f"w{number}.yaml").write_text((folder / "empty.yaml").read_text())
    monkeypatch.setattr(sources, "_help", list)  # the help takes seconds in each
    held = []
    for number in range(30):
        assert search(knowledge, "what does price mean?", f"w{number}")
        held.append(psutil.Process().num_fds())
    assert max(held[12:]) <= max(held[:12]) + 12
    knowledge.close()


def test_long_words_are_not_remembered(knowledge: Knowledge) -> None:
    """A viewer may send words of a thousand letters without end; vectors are the same whether kept or not."""
    before = embeddings._features.cache_info().currsize
    long = [f"{number}" + "x" * 900 for number in range(20)]
    first = embeddings.Lexical().embed(long)
    assert embeddings._features.cache_info().currsize == before
    assert (embeddings.Lexical().embed(long) == first).all()
    assert first.any(axis=1).all()
