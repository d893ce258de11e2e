"""A disk that fails or fills up at any moment of a script: one clear message, and the old state can be read."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.proof.project import FAULTY, NAME, project
from tests.support.scale import times

TOLD = {"ENOSPC": "free some space", "EIO": "check it"}


@pytest.mark.proof
def test_a_fault_at_any_write_leaves_the_old_state(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """EIO and ENOSPC at each write, fsync, rename and new folder in turn; what there was stays, and the next try succeeds."""
    with project(tmp_path) as site:
        arguments = {"train": ["--force"], "inference": [], "promote": ["--run", site.reader.runs(NAME)[0]]}
        points = []
        for script, given in arguments.items():
            for call in FAULTY:
                uses = site.run(script, *given, fault={"call": call, "at": -1, "code": "EIO"}).used
                points += [(script, call, at, code) for at in range(uses) for code in TOLD]
        assert {call for _, call, _, _ in points} == set(FAULTY)
        chosen = random.Random(1).sample(points, times(16, len(points)))
        for script, call, at, code in chosen:
            before, begin = {*site.reader.runs(NAME), *site.reader.forecast_sets(NAME)}, len(site.log)
            ended = site.run(script, *arguments[script], fault={"call": call, "at": at, "code": code})
            told = site.log[begin:]
            assert ended.used > at
            assert (ended.code, TOLD[code] in told, "Traceback" in told) == (1, True, False), (script, call, at, told)
            assert before <= {*site.reader.runs(NAME), *site.reader.forecast_sets(NAME)}
            assert site.wrong() == []
            assert list((tmp_path / "artifacts").rglob("*.tmp")) == []
        for script, given in arguments.items():
            assert site.run(script, *given).code == 0, site.log
    for script in arguments:
        found = Counter(call for name, call, _, _ in chosen if name == script)
        record_property(
            f"EIO and ENOSPC at each write, fsync, rename and new folder of {script}",
            f"{found.total():,} faults ({', '.join(f'{n} at {call}' for call, n in found.items())}): each told in a "
            "sentence, all that there was before can be read, the next try succeeds",
        )
