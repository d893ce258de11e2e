"""Scripts that are killed at any moment, while others read: nothing torn, nothing lost, nothing half."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.proof.project import NAME, Onlooker, project
from tests.support.scale import times

READERS = 4
SCRIPTS = ("train", "inference", "promote")


@pytest.mark.proof
def test_a_kill_at_any_moment_loses_nothing_and_tears_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Random kills of train, inference and promote: every read is whole, what was acknowledged stays, and work goes on."""
    rng, wanted = random.Random(20240229), times(25, 1_000)
    with project(tmp_path) as site:
        first = site.reader.runs(NAME)[:2]
        onlookers = [Onlooker(site.reader) for _ in range(READERS)]
        for one in onlookers:
            one.start()
        arguments = {"train": ["--force"], "inference": [], "promote": ["--run"]}
        lasts, codes, kills = dict.fromkeys(SCRIPTS, 0.5), Counter[int](), Counter[str]()
        number = 0
        while codes[-9] < wanted:
            script = SCRIPTS[number % 3]
            run = [first[number % 2]] if script == "promote" else []
            ended = site.run(script, *arguments[script], *run, seconds=rng.uniform(0, 1.2) * lasts[script])
            lasts[script] = ended.seconds if ended.code == 0 else lasts[script]
            codes[ended.code] += 1
            kills[script] += ended.code == -9
            number += 1
        for one in onlookers:
            one.done = True
            one.join()

        assert set(codes) == {0, -9}, site.log
        assert [wrong for one in onlookers for wrong in one.wrong] == []
        assert min(one.reads for one in onlookers) > wanted / 4
        assert site.wrong() == []
        runs, sets = site.reader.runs(NAME), site.reader.forecast_sets(NAME)
        assert {name for one in onlookers for name in one.seen} <= {*runs, *sets}

        assert [site.run(script, *arguments[script]).code for script in ("train", "inference")] == [0, 0], site.log
        assert site.reader.published(NAME).read_json("inference.json")["run_id"] == site.reader.production(NAME).name
    record_property(
        "kill -9 of train, inference and promote, 4 readers beside them",
        f"{codes[-9]:,} kills ({', '.join(f'{n:,} of {script}' for script, n in kills.items())}), {codes[0]:,} runs to the end; "
        f"{sum(one.reads for one in onlookers):,} reads: 0 torn, 0 acknowledged runs lost, 0 half runs listed",
    )
