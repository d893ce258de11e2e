"""Configuration files: project settings, sections of single parts, and the list of workspaces."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import PositiveInt, create_model, field_validator, model_validator

from pipelines.core.environment import app_env
from pipelines.core.errors import ConfigError, UnknownName
from pipelines.core.layers import Layers, M, Strict, Values

SECTIONS = ("copilot",)  # parts with a settings file that does not concern workspaces


class Engine(Strict):
    """The engine that runs training tasks; without an address, a temporary cluster on this machine."""

    backend: Literal["local", "dask", "ray"] = "local"
    address: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.address and self.backend == "local":
            raise ValueError("an address needs backend dask or ray")
        return self


class Project(Strict):
    """Storage locations and how much of the machine to use."""

    config_dir: Path = Path("configs")
    data_dir: str = "data"  # a folder or an fsspec URL, as is artifacts_dir
    artifacts_dir: str = "artifacts"
    n_jobs: int = -1  # as in joblib: -1 uses all cores
    engine: Engine = Engine()
    bucket: PositiveInt = 50  # series per task

    @field_validator("n_jobs")
    @classmethod
    def _some(cls, value: int) -> int:
        if value == 0:
            raise ValueError("use a number of processes, or -1 for all cores")
        return value


def load_project(environ: Mapping[str, str] | None = None) -> Project:
    """The project settings, read from the folder `FORECAST_CONFIG_DIR`."""
    folder_of_all, layers = config_dir(environ), Layers()
    for folder in (folder_of_all / "base", overlay_of(folder_of_all, environ)):
        layers.add_file(folder / "project.yaml")
    layers.add_environment(set(Project.model_fields) - {"config_dir"}, environ)
    layers.add({"config_dir": str(folder_of_all)}, "environment variable FORECAST_CONFIG_DIR")
    return layers.validate(Project, str(folder_of_all / "base/project.yaml"))


def load_section(name: str, model: type[M], environ: Mapping[str, str] | None = None) -> M:
    """The settings of a part that has its own file, read from the key `name` of `<name>.yaml`."""
    folder_of_all, layers = config_dir(environ), Layers().add({name: {}}, "defaults")
    for folder in (folder_of_all / "base", overlay_of(folder_of_all, environ)):
        layers.add_file(folder / f"{name}.yaml")
    layers.add_environment({name}, environ)
    whole = create_model(name.capitalize(), __base__=Strict, **{name: (model, ...)})  # type: ignore[call-overload]
    section: M = getattr(layers.validate(whole, str(folder_of_all / f"base/{name}.yaml")), name)
    return section


def as_written(name: str, environ: Mapping[str, str] | None = None, files: Mapping[str, Path] | None = None) -> Values:
    """The unvalidated settings in the files of a workspace. `files`: the `workspace_files`, if already known."""
    layers = Layers()
    for file in files_of(name, environ, files):
        layers.add_file(file)
    return layers.values


def files_of(
    name: str, environ: Mapping[str, str] | None = None, files: Mapping[str, Path] | None = None
) -> tuple[Path, Path]:
    """The file of a workspace and the path of its overlay, which need not exist; ConfigError if two files have the
    name.
    """
    files = workspace_files(environ) if files is None else files
    if name not in files:
        raise UnknownName("workspace", name, files, field="workspace")
    file, other, overlay = places(name, files, environ)
    if other.exists():
        raise ConfigError(
            f"workspace '{name}' has two files, {file.name} and {other.name}",
            code="two_files_of_a_workspace",
            found=[file.name, other.name],
            where=str(file.parent),
            remedy="Remove one of them.",
        )
    return file, overlay


def places(name: str, files: Mapping[str, Path], environ: Mapping[str, str] | None = None) -> tuple[Path, Path, Path]:
    """The file of a workspace, the path of a second file of its name, and that of its overlay; both may be missing."""
    path = files[name]
    other = path.with_suffix(".yml" if path.suffix == ".yaml" else ".yaml")
    return path, other, overlay_of(config_dir(environ), environ) / f"workspaces/{path.name}"


def workspace_files(environ: Mapping[str, str] | None = None) -> dict[str, Path]:
    """The file of each workspace by name. Of two files of one name, the first is listed; `files_of` refuses both."""
    files: dict[str, Path] = {}
    folder = config_dir(environ) / "workspaces"
    if not folder.is_dir():
        raise ConfigError(
            "there is no such folder",
            code="no_settings_folder",
            where=str(folder),
            remedy="Start in the project's folder or set FORECAST_CONFIG_DIR.",
        )
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        files.setdefault(path.stem, path)
    return files


def config_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of the settings files: `FORECAST_CONFIG_DIR`, or `configs`."""
    return Path((environ if environ is not None else os.environ).get("FORECAST_CONFIG_DIR") or "configs")


def overlay_of(config_dir: Path, environ: Mapping[str, str] | None) -> Path:
    return config_dir / app_env(environ)
