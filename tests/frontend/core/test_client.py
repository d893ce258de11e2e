"""What the app keeps of the service's answers: a bounded number of bytes, whatever visitors look for."""

import json
import sys

from frontend.core.client import Answers


def test_answers_are_bounded_by_their_bytes() -> None:
    """500 answers of a thousand rows are not kept for ever because they are fewer than some number."""
    kept = Answers(2**20)
    answer = json.dumps([{"unique_id": f"s{number}", "value": 1.5} for number in range(1_000)]).encode()
    for number in range(500):
        kept.keep(f"/portfolio?search={number}", '"tag"', answer)
    assert kept.size <= 2**20
    assert sum(map(sys.getsizeof, (one for _, one in kept._kept.values()))) <= 2**20
    assert kept.get("/portfolio?search=499") == ('"tag"', answer)
    assert kept.get("/portfolio?search=0") == ("", b"")


def test_addresses_count() -> None:
    """A search may be as long as an address; the answer to it may be empty."""
    kept = Answers(2**20)
    for number in range(200):
        kept.keep(f"/series?search={number}{'x' * 60_000}", '"tag"', b"{}")
    assert 5 < len(kept._kept) < 20


def test_what_is_used_stays_and_what_changes_is_replaced() -> None:
    """The least recently used goes first; an answer is counted once; one that would leave no room is not kept."""
    kept = Answers(10_000)
    for number in range(50):
        kept.keep(f"/{number}", "1", b"x" * 500)
        assert kept.get("/0")[0] == "1"
    size = kept.size
    kept.keep("/0", "2", b"y" * 500)
    assert (kept.size, kept.get("/0")) == (size, ("2", b"y" * 500))
    kept.keep("/0", "3", b"y" * 9_000)
    assert kept.get("/0") == ("", b"")
    assert kept.size < size
