"""Settings: which layer wins, what is refused, and in which words."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from pipelines.core import config
from pipelines.core.config import load_project
from pipelines.core.errors import ConfigError, UnknownName
from pipelines.forecasting.settings import Workspace, load_workspace

SHIPPED = Path(__file__).parents[3] / "configs"
MINE = "source: {kind: file, path: sales.csv}\nfrequency: D\n"
Write = Callable[..., dict[str, str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes configuration files, given as `folder__name="content"`; returns the environment that uses them."""

    def write(**files: str) -> dict[str, str]:
        for name, content in {"workspaces__mine": MINE, **files}.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return {"FORECAST_CONFIG_DIR": str(tmp_path)}

    return write


def refused(environ: dict[str, str], name: str = "mine") -> str:
    with pytest.raises(ConfigError) as caught:
        load_workspace(name, environ)
    return str(caught.value)


def test_each_layer_overrides_the_one_before(write: Write) -> None:
    """Base < workspace < overlay of APP_ENV < the overlay's own word on the workspace < environment, key by key."""
    environ = write(
        base__evaluation="backtest: {windows: 1, step: 1, gap: 1, size: 1, strategy: sliding}\n",
        workspaces__mine=MINE + "backtest: {step: 2, gap: 2, size: 2, windows: 2}\n",
        prod__evaluation="backtest: {gap: 3, size: 3, windows: 3}\n",
        prod__workspaces__mine="backtest: {size: 4, windows: 4}\n",
        staging__evaluation="backtest: {size: 9}\n",
    )
    found = load_workspace("mine", {**environ, "APP_ENV": "prod", "FORECAST_BACKTEST__WINDOWS": "5"}).backtest
    assert found.model_dump() == {"windows": 5, "step": 2, "gap": 3, "size": 4, "strategy": "sliding"}
    assert load_workspace("mine", {**environ, "APP_ENV": "staging"}).backtest.size == 9
    for plain in ({}, {"APP_ENV": ""}, {"APP_ENV": "dev"}):
        assert load_workspace("mine", {**environ, **plain}).backtest.size == 2


def test_an_overlay_may_speak_of_what_base_does_not(write: Write) -> None:
    """A file of the overlay counts although base has none of its name."""
    environ = write(prod__limits="quality: {max_gaps: 0.5}\n")
    assert load_workspace("mine", {**environ, "APP_ENV": "prod"}).quality.max_gaps == 0.5


def test_the_environment_reaches_every_key(write: Write) -> None:
    """Nested keys, lists, options of the source, parameters of a model."""
    variables = {
        "FORECAST_TARGET__UNIT": "MW",
        "FORECAST_MODELS": "[naive, theta]",
        "FORECAST_SOURCE__PATH": "other.csv",
        "FORECAST_SOURCE__COLUMNS__KEYS": "[store, item]",
        "FORECAST_MODEL_PARAMS__THETA__MAX_HISTORY": "10",
        "FORECAST_HORIZON": "",
    }
    found = load_workspace("mine", {**write(), **variables})
    assert (found.target.unit, found.models, found.horizon) == ("MW", ("naive", "theta"), None)
    assert (found.source.options.path, found.source.columns.keys) == ("other.csv", ("store", "item"))
    assert found.model_params == {"theta": {"max_history": 10}}


def test_the_project_is_layered_alike(write: Write) -> None:
    """File, overlay, environment; the config folder is where the files are."""
    environ = write(base__project="data_dir: d1\nn_jobs: 2\nbucket: 7\n", prod__project="data_dir: d2\n")
    environ |= {"APP_ENV": "prod", "FORECAST_ARTIFACTS_DIR": "gs://bucket/a", "FORECAST_N_JOBS": "1"}
    found = load_project(environ)
    assert (found.data_dir, found.artifacts_dir, found.n_jobs, found.bucket) == ("d2", "gs://bucket/a", 1, 7)
    assert str(found.config_dir) == environ["FORECAST_CONFIG_DIR"]
    assert load_project({**environ, "FORECAST_DATA_DIR": "/mnt/x"}).data_dir == "/mnt/x"
    assert load_project({"FORECAST_CONFIG_DIR": ""}).config_dir == Path("configs")


@pytest.mark.parametrize(("key", "value"), [("N_JOBS", "0"), ("BUCKET", "0"), ("N_JOBS", "many"), ("DATA_DIR", "[a]")])
def test_a_wrong_variable_of_the_project_is_named(write: Write, key: str, value: str) -> None:
    """Not the key alone, but the variable that has to be changed."""
    with pytest.raises(ConfigError, match=f"environment variable FORECAST_{key}: {key.lower()}: found"):
        load_project({**write(), f"FORECAST_{key}": value})


def test_every_mistake_of_a_file_is_told_at_once(write: Write) -> None:
    """Of the workspace and of its source's options, with the nearest name, in one message."""
    environ = write(
        workspaces__mine="source: {kind: file, paht: x.csv, colums: {}}\nfrequncy: D\nmetric: mas\nlevels: [80, 120]\n"
        "target: {agregate: sum}\nmodels: [naive, thetta]\nhorizon: 0\ntimezone: Europe/Londn\n"
    )
    message = refused(environ)
    assert message.startswith("11 problems in the configuration:")
    file = f"  - {environ['FORECAST_CONFIG_DIR']}/workspaces/mine.yaml: "
    for line in [
        "frequency: is missing (found: source, frequncy, metric, levels, target, models, horizon, timezone, name)",
        "frequncy: unknown key (did you mean 'frequency'?). Use one of: backtest, budget, covariates, ",
        "source.path: is missing (found: kind, paht, colums)",
        "source.paht: unknown key (did you mean 'path'?). Use one of: ",
        "source.colums: unknown key (did you mean 'columns'?)",
        "metric: found 'mas'. Input should be 'mae', 'rmse', ",
        "levels.1: found 120. Input should be less than or equal to 99.",
        "target.agregate: unknown key (did you mean 'aggregate'?). Use one of: aggregate, name, non_negative, unit.",
        "models: unknown model 'thetta' (did you mean 'theta'?). Use one of: ",
        "horizon: found 0. Input should be greater than 0.",
        "timezone: found 'Europe/Londn'. Use a zone of the IANA list such as UTC or Europe/London (did you mean "
        "'Europe/London'?).",
    ]:
        assert file + line in message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("frequency: sometimes", "frequency: 'sometimes' is no pandas alias"),
        ("frequency: -1D", "frequency: '-1D' is no pandas alias"),
        ("frequency: 30", "frequency: found 30. Text is expected: put it in quotes."),
        ("timezone: ../../etc/passwd", "timezone: found '../../etc/passwd'. Use a zone of the IANA list"),
        ("holidays: {country: NO}", "holidays.country: found False. Text is expected: put it in quotes."),
        ("models: []", r"models: found \[\]. "),
        ("models: naive", "models: found 'naive'. Input should be a valid tuple"),
        ("model_params: {thetta: {}}", "model_params: unknown model .*did you mean 'theta'"),
        ("levels: [0]", "levels.0: found 0"),
        ("season_lengths: [7, 0]", "season_lengths.1: found 0"),
        ("backtest: 3", r"backtest: found 3. Give keys and values \(windows, step, gap, strategy, size\)"),
        ("backtest: {gap: -1}", "backtest.gap: found -1"),
        ("missing: {gaps: zeros}", "missing.gaps: found 'zeros'. Input should be 'zero', 'interpolate'"),
        ("covariates: {future: [promo], past: [promo]}", "covariates: .* promo stands in two lists"),
        ("source: sales.csv", r"source: found 'sales.csv'. Give keys and values \(kind, "),
        ("source: {path: x}", r"source.kind: is missing \(found: path\)"),
        ("source: {kind: flie}", r"source: unknown source 'flie' \(did you mean 'file'\?\). Use one of: download"),
        ("source: {kind: sql, url: postgres://me:pw@x/y}", "source.url: unknown key .*Use one of: .*url_env"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(write: Write, line: str, message: str) -> None:
    """File, key, what was found, and what it should be."""
    key = line.partition(":")[0]
    rest = "".join(one + "\n" for one in MINE.splitlines() if not one.startswith(f"{key}:"))
    with pytest.raises(ConfigError, match=f"workspaces/mine.yaml: {message}") as caught:
        load_workspace("mine", write(workspaces__mine=rest + line + "\n"))
    assert "pw@" not in str(caught.value)


def test_the_name_of_the_file_is_the_name_of_the_workspace(write: Write) -> None:
    """Whatever else the file says."""
    assert load_workspace("mine", write(workspaces__mine=MINE + "name: other\n")).name == "mine"


def test_unknown_variables_are_told_all_at_once(write: Write) -> None:
    """Each with the nearest setting; a nested one as any unknown key; other programs' variables are not ours."""
    environ = {**write(), "HORIZON": "x", "FORECASTS": "x"}
    told = refused({**environ, "FORECAST_HORIZN": "7", "FORECAST_DATA_DRI": "x", "FORECAST_NAME": "x"})
    assert "FORECAST_HORIZN: unknown setting (did you mean 'horizon'?)" in told
    assert "FORECAST_DATA_DRI: unknown setting (did you mean 'data_dir'?)" in told
    assert "FORECAST_NAME: unknown setting" in told
    told = refused({**environ, "FORECAST_BACKTEST__WINDOW": "3"})
    assert (
        "environment variable FORECAST_BACKTEST__WINDOW: backtest.window: unknown key (did you mean 'windows'?)" in told
    )


def test_an_unknown_workspace_lists_the_valid_ones(write: Write) -> None:
    """With the nearest name; a name that is no name is not even looked up."""
    environ = write(workspaces__electricity=MINE)
    with pytest.raises(
        UnknownName, match=r"'electrcity' \(did you mean 'electricity'\?\). Use one of: electricity, mine."
    ):
        load_workspace("electrcity", environ)
    for name in ("", "../mine", "workspaces/mine", "mine.yaml/..", "mine\0"):
        assert "is not allowed. Use 1 to 100 letters" in refused(environ, name)
    assert "APP_ENV: '../prod' is not allowed" in refused({**environ, "APP_ENV": "../prod"})


def test_a_wrong_folder_is_told(tmp_path: Path) -> None:
    """Started elsewhere, the message says where it looked and what to set."""
    assert refused({"FORECAST_CONFIG_DIR": str(tmp_path)}) == (
        f"{tmp_path}/workspaces: there is no such folder. Start in the project's folder or set FORECAST_CONFIG_DIR."
    )


def test_two_files_cannot_claim_one_workspace(write: Write, tmp_path: Path) -> None:
    """mine.yaml and mine.yml: one of them would be lost."""
    environ = write()
    (tmp_path / "workspaces/mine.yml").write_text(MINE)
    assert "workspace 'mine' has two files" in refused(environ)


def test_a_key_that_stands_twice_is_refused(write: Write) -> None:
    """With file and line."""
    assert "mine.yaml line 3: key 'frequency' stands twice" in refused(write(workspaces__mine=MINE + "frequency: h\n"))


def test_settings_cannot_be_changed(write: Write) -> None:
    """Neither a value nor a section of one."""
    workspace = load_workspace("mine", write())
    with pytest.raises(ValidationError, match="frozen"):
        workspace.horizon = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        workspace.target.unit = "x"  # type: ignore[misc]


def test_lists_are_put_in_order(write: Write) -> None:
    """Levels ascend, and nothing stands twice; the order of the models, which decides ties, stays."""
    found = load_workspace(
        "mine", write(workspaces__mine=MINE + "levels: [95, 80, 95]\nmodels: [theta, naive, theta]\n")
    )
    assert (found.levels, found.models) == ((80, 95), ("theta", "naive"))


@pytest.mark.parametrize(
    ("given", "frequency", "expected"),
    [
        ({"frequency": "auto"}, "D", ("D", (7,), 28, 28)),
        ({"frequency": "auto"}, "h", ("h", (24, 168), 48, 48)),
        ({"frequency": "MS", "horizon": 3}, "MS", ("MS", (12,), 3, 3)),
        ({"frequency": "D", "season_lengths": [30], "backtest": {"step": 5}}, "D", ("D", (30,), 28, 5)),
        ({"frequency": "D", "season_lengths": []}, "D", ("D", (7,), 28, 28)),
    ],
)
def test_complete_fills_in_what_the_data_decide(
    given: dict[str, object], frequency: str, expected: tuple[object, ...]
) -> None:
    """Frequency, seasons, horizon and step; what was given stays, and the original is as it was."""
    workspace = Workspace.model_validate({"name": "mine", "source": {"kind": "file", "path": "x"}, **given})
    found = workspace.complete(frequency)
    assert (found.frequency, found.season_lengths, found.horizon, found.backtest.step) == expected
    assert found.complete(frequency) == found
    assert workspace.frequency == given["frequency"]


@pytest.mark.parametrize("name", sorted(path.stem for path in (SHIPPED / "workspaces").glob("*.yaml")))
def test_the_shipped_workspaces_load(name: str) -> None:
    """And their settings survive the JSON in which a run keeps them."""
    workspace = load_workspace(name, {"FORECAST_CONFIG_DIR": str(SHIPPED)})
    assert workspace.name == name
    assert Workspace.model_validate(workspace.model_dump(mode="json")) == workspace


def test_the_shipped_project_loads() -> None:
    """Every key of the shipped file is known, and says what the model says anyway."""
    assert load_project({"FORECAST_CONFIG_DIR": str(SHIPPED)}) == config.Project(config_dir=SHIPPED)
    assert yaml.safe_load((SHIPPED / "base/project.yaml").read_text())
