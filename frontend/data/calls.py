"""API calls of the Data page: quality, uploads and pipelines."""

from frontend.core.client import Client, Json, known


def quality(client: Client, workspace: str) -> Json:
    """Data checks, and the number of rows kept."""
    return client.get("workspaces", workspace, "quality")


def rejected(client: Client, workspace: str, limit: int) -> Json:
    """Rows that could not be read, each with its reason."""
    return client.get("workspaces", workspace, "rejected", params={"limit": limit})


def upload(client: Client, workspace: str, content: bytes) -> Json:
    """Uploads a table and returns its preview; nothing is created."""
    headers = {"Content-Type": "text/csv"}
    return client.send("POST", "workspaces", workspace, "uploads", content=content, headers=headers)


def update_preview(client: Client, workspace: str, upload_id: str, shape: Json) -> Json:
    """Preview of the same upload, interpreted according to `shape`."""
    query = {**shape, **shape["mapping"], "mapping": None}
    return client.get("workspaces", workspace, "uploads", upload_id, params=query)


def create_workspace(client: Client, workspace: str, upload_id: str, shape: Json) -> Json:
    """Creates a workspace from an upload."""
    body = {**known(shape), "mapping": known(shape["mapping"]), "upload_id": upload_id}
    return client.send("PUT", "workspaces", workspace, json=body)


def start_job(client: Client, workspace: str, kind: str) -> Json:
    """Starts a pipeline."""
    return client.send("POST", "jobs", json={"workspace": workspace, "kind": kind})


def jobs(client: Client, workspace: str, limit: int = 10) -> Json:
    """The latest jobs."""
    return client.get("jobs", params={"workspace": workspace, "limit": limit})


def job(client: Client, workspace: str, job_id: str) -> Json:
    """One job with its log."""
    return client.get("jobs", job_id, params={"workspace": workspace})


def cancel_job(client: Client, workspace: str, job_id: str) -> Json:
    """Cancels a job that is queued or running."""
    return client.send("DELETE", "jobs", job_id, params={"workspace": workspace})
