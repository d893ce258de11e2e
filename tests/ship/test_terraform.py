"""terraform/, without a provider: form, variables, and who may do what."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "terraform").glob("*.tf"))


def plain(value: Any) -> Any:
    """What the parser gives, without the quotes around strings."""
    if isinstance(value, dict):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value


@pytest.fixture(scope="module")
def blocks() -> dict[str, list[Any]]:
    """All blocks of all files by their kind."""
    found: dict[str, list[Any]] = {}
    for path in FILES:
        with path.open(encoding="utf-8") as file:
            for kind, listed in plain(hcl2.load(file)).items():
                found.setdefault(kind, []).extend(listed if isinstance(listed, list) else [listed])
    return found


def named(blocks: dict[str, list[Any]], kind: str) -> dict[str, Any]:
    return {name: body for block in blocks[kind] for name, body in block.items() if not name.startswith("__")}


def resources(blocks: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        f"{kind}.{name}": body
        for block in blocks["resource"]
        for kind, one in block.items()
        if not kind.startswith("__")
        for name, body in one.items()
        if not name.startswith("__")
    }


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_files_are_formatted() -> None:
    """As `terraform fmt` would."""
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "terraform"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_every_variable_is_described_and_checked(blocks: dict[str, list[Any]]) -> None:
    """With a description, a type, and a validation whose message is a sentence."""
    variables = named(blocks, "variable")
    assert len(variables) > 10
    for name, body in variables.items():
        assert body.get("description"), name
        assert "type" in body, name
        for check in body["validation"]:
            assert re.search(r"\.$|…$", check["error_message"]), name


def test_outputs_name_both_urls(blocks: dict[str, list[Any]]) -> None:
    """Where people go, and where the API is."""
    outputs = named(blocks, "output")
    assert {"frontend_url", "backend_url"} <= set(outputs)
    assert all(body.get("description") for body in outputs.values())


def test_every_variable_and_local_that_is_used_exists(blocks: dict[str, list[Any]]) -> None:
    """A misspelt name is found here, since no provider is there to validate with."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    variables, used = set(named(blocks, "variable")), set(re.findall(r"\bvar\.(\w+)", text))
    assert used == variables
    assert set(re.findall(r"\blocal\.(\w+)", text)) <= set(named(blocks, "locals"))
    there = set(resources(blocks))
    for kind, name in re.findall(r"(?<!data\.)\b(google_\w+)\.(\w+)", text):
        assert f"{kind}.{name}" in there, f"{kind}.{name}"


def test_the_api_is_private_and_the_web_app_public_only_by_choice(blocks: dict[str, list[Any]]) -> None:
    """Nobody but the web app's account may call the API; everybody the web app only where the variable says so."""
    calling = {
        name: body for name, body in resources(blocks).items() if "service_iam_member" in name and "run_v2" in name
    }
    assert set(calling) == {
        "google_cloud_run_v2_service_iam_member.frontend_calls_backend",
        "google_cloud_run_v2_service_iam_member.visitors",
    }
    text = (ROOT / "terraform/frontend.tf").read_text(encoding="utf-8")
    assert text.count("allUsers") == 1
    assert 'var.frontend_access == "public" ? "allUsers"' in text
    assert "allUsers" not in (ROOT / "terraform/backend.tf").read_text(encoding="utf-8")


def test_the_web_app_knows_its_hosts_and_whether_it_is_public() -> None:
    """Pages of other sites are refused there, too, and a key of an admin where everybody comes in."""
    text = (ROOT / "terraform/frontend.tf").read_text(encoding="utf-8")
    assert 'APP_ALLOWED_HOSTS = join(",", concat(["*.run.app"], sort(var.frontend_hosts)))' in text
    assert 'APP_PUBLIC = tostring(var.frontend_access == "public")' in text


def test_the_web_app_is_given_no_key_of_an_admin() -> None:
    """Neither by the runbook nor by Compose: everybody who reaches the app acts with its key."""
    for name in ("docs/RUNBOOK.md", "docker-compose.yml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.findall(r"create_api_key(?:\.py)? --name app --role (\w+)", text) == ["analyst"], name


def test_accounts_have_narrow_roles(blocks: dict[str, list[Any]]) -> None:
    """None of the roles owns, edits or administers; the one that holds for the whole project follows jobs and reads logs."""
    wide = [name for name in resources(blocks) if name.startswith("google_project_iam_member")]
    assert wide == ["google_project_iam_member.backend_follows_jobs"]
    follower = resources(blocks)["google_project_iam_custom_role.follower"]["permissions"]
    assert all(re.fullmatch(r"(run\.executions|logging\.logEntries)\.(get|list|cancel)", one) for one in follower)
    roles = {body["role"] for body in resources(blocks).values() if "role" in body}
    assert not [role for role in roles if re.search(r"owner|editor|[aA]dmin", role)]
    accounts = resources(blocks)["google_service_account.this"]["for_each"]
    assert set(accounts) == {"backend", "frontend", "jobs", "scheduler"}


def test_no_secret_value_is_in_a_plan(blocks: dict[str, list[Any]]) -> None:
    """Terraform makes secrets without versions; containers mount a pinned version, and no variable holds a value."""
    assert not [name for name in resources(blocks) if "secret_manager_secret_version" in name]
    for path in FILES:
        assert "secret_key_ref" not in path.read_text(encoding="utf-8")
        assert not re.search(r'version\s*=\s*"latest"', path.read_text(encoding="utf-8")), path.name


def test_the_bucket_keeps_what_was_and_lets_nobody_in(blocks: dict[str, list[Any]]) -> None:
    """Versioned, never public, and not destroyed by a slip."""
    bucket = resources(blocks)["google_storage_bucket.store"]
    assert bucket["versioning"][0]["enabled"] is True
    assert bucket["public_access_prevention"] == "enforced"
    assert bucket["uniform_bucket_level_access"] is True
    assert bucket["lifecycle"][0]["prevent_destroy"] is True


def test_the_web_app_may_hold_a_websocket(blocks: dict[str, list[Any]]) -> None:
    """A session stays with its instance, for the longest time that the platform allows."""
    template = resources(blocks)["google_cloud_run_v2_service.frontend"]["template"][0]
    assert template["session_affinity"] is True
    assert template["timeout"] == "3600s"


def test_jobs_run_scripts_that_exist(blocks: dict[str, list[Any]]) -> None:
    """Each is a module of scripts/, and each that is scheduled has its time."""
    scripts = named(blocks, "locals")["scripts"]
    for module in scripts.values():
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
    schedule = named(blocks, "variable")["schedule"]["default"]
    assert set(schedule) - {"time_zone"} <= set(scripts)
