# The jobs and their schedule. The workspace is an argument, passed by the schedule or by the API's launcher.

locals {
  job_prefix = "forecast-"
  scripts = {
    etl       = "scripts.run_etl"
    train     = "scripts.train"
    inference = "scripts.inference"
    monitor   = "scripts.monitor"
    run_all   = "scripts.run_all"
  }
}

resource "google_cloud_run_v2_job" "this" {
  for_each = local.scripts

  name                = "${local.job_prefix}${replace(each.key, "_", "-")}"
  location            = var.region
  deletion_protection = var.environment == "prod"

  template {
    task_count = 1

    template {
      service_account       = google_service_account.this["jobs"].email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = var.job_size.timeout
      max_retries           = 1 # each is safe to repeat: an unfinished job leaves no partial results

      containers {
        image = var.images.pipelines
        args  = ["-m", each.value, "--workspace", sort(tolist(var.workspaces))[0], "--json-log"]

        resources {
          limits = { cpu = var.job_size.cpu, memory = var.job_size.memory }
        }

        dynamic "env" {
          for_each = merge(local.store, { for mount in local.mounts.jobs : mount.variable => "${mount.path}/value" })
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "volume_mounts" {
          for_each = local.mounts.jobs
          content {
            name       = volume_mounts.value.volume
            mount_path = volume_mounts.value.path
          }
        }
      }

      dynamic "volumes" {
        for_each = local.mounts.jobs
        content {
          name = volumes.value.volume
          secret {
            secret = volumes.value.secret
            items {
              path    = "value"
              version = volumes.value.version
            }
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].template[0].containers[0].image, client, client_version]
  }

  depends_on = [google_project_service.used, google_secret_manager_secret_iam_member.readers]
}

resource "google_cloud_scheduler_job" "this" {
  for_each = {
    for pair in setproduct(["etl", "train", "inference", "monitor"], var.workspaces) : "${pair[0]}-${pair[1]}" => pair
  }

  name      = "${local.job_prefix}${each.key}"
  region    = var.region
  schedule  = var.schedule[each.value[0]]
  time_zone = var.schedule.time_zone

  retry_config {
    retry_count          = 3
    min_backoff_duration = "30s"
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.this[each.value[0]].id}:run"
    headers     = { "Content-Type" = "application/json" }
    body = base64encode(jsonencode({
      overrides = {
        containerOverrides = [{ args = ["-m", local.scripts[each.value[0]], "--workspace", each.value[1], "--json-log"] }]
      }
    }))

    oauth_token {
      service_account_email = google_service_account.this["scheduler"].email
    }
  }

  depends_on = [google_project_service.used]
}
