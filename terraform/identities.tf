# One service account per component, with the least privileges. The web app may only call the API.

resource "google_service_account" "this" {
  for_each = {
    backend   = "The API: reads and writes the store, starts jobs"
    frontend  = "The web app: calls the API"
    jobs      = "The jobs: read and write the store"
    scheduler = "The schedule: starts jobs"
  }

  account_id   = "forecast-${each.key}"
  display_name = each.value
}

locals {
  member = { for name, account in google_service_account.this : name => "serviceAccount:${account.email}" }
}

resource "google_storage_bucket_iam_member" "store" {
  for_each = toset(["backend", "jobs"])

  bucket = google_storage_bucket.store.name
  role   = "roles/storage.objectUser"
  member = local.member[each.key]
}

# gcsfs requests the bucket itself when it checks whether a folder exists.
resource "google_storage_bucket_iam_member" "look" {
  for_each = toset(["backend", "jobs"])

  bucket = google_storage_bucket.store.name
  role   = "roles/storage.legacyBucketReader"
  member = local.member[each.key]
}

resource "google_cloud_run_v2_service_iam_member" "frontend_calls_backend" {
  name     = google_cloud_run_v2_service.backend.name
  location = var.region
  role     = "roles/run.invoker"
  member   = local.member["frontend"]
}

# Starting a job with its workspace: for the API's launcher and the schedule.
resource "google_project_iam_custom_role" "launcher" {
  role_id = "forecastJobLauncher"
  title   = "Starts forecast jobs"
  permissions = [
    "run.jobs.run", "run.jobs.runWithOverrides",
  ]
}

resource "google_cloud_run_v2_job_iam_member" "launchers" {
  for_each = { for pair in setproduct(keys(local.scripts), ["backend", "scheduler"]) : "${pair[0]}-${pair[1]}" => pair }

  name     = google_cloud_run_v2_job.this[each.value[0]].name
  location = var.region
  role     = google_project_iam_custom_role.launcher.id
  member   = local.member[each.value[1]]
}

# Following and cancelling a job and reading its log: executions and logs have no IAM policies of their own, so this is per project.
resource "google_project_iam_custom_role" "follower" {
  role_id = "forecastJobFollower"
  title   = "Follows and cancels jobs"
  permissions = [
    "logging.logEntries.list", "run.executions.cancel", "run.executions.get", "run.executions.list",
  ]
}

resource "google_project_iam_member" "backend_follows_jobs" {
  project = var.project
  role    = google_project_iam_custom_role.follower.id
  member  = local.member["backend"]
}
