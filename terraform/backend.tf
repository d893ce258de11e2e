# The API. Callers need an identity that may invoke the service, and in addition an API key.

locals {
  store = {
    APP_ENV                = var.environment
    FORECAST_DATA_DIR      = "gs://${google_storage_bucket.store.name}/data"
    FORECAST_ARTIFACTS_DIR = "gs://${google_storage_bucket.store.name}/artifacts"
  }
  launcher = {
    API_JOBS_ON           = "cloud_run"
    API_CLOUD_RUN_PROJECT = var.project
    API_CLOUD_RUN_REGION  = var.region
    API_CLOUD_RUN_PREFIX  = local.job_prefix
  }
  llm = var.llm == null ? {} : {
    FORECAST_COPILOT__PROVIDER = "openai"
    FORECAST_COPILOT__BASE_URL = var.llm.base_url
    FORECAST_COPILOT__MODEL    = var.llm.model
  }
}

resource "google_cloud_run_v2_service" "backend" {
  name                = "forecast-backend"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL" # restricted by IAM: only the web app's account may call it
  deletion_protection = var.environment == "prod"

  template {
    service_account                  = google_service_account.this["backend"].email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "300s" # copilot answers are streamed
    max_instance_request_concurrency = 80

    scaling {
      min_instance_count = var.instances.backend.min
      max_instance_count = var.instances.backend.max
    }

    containers {
      image = var.images.api

      ports {
        container_port = 8000
      }

      resources {
        limits            = { cpu = "2", memory = "4Gi" }
        cpu_idle          = false # keeps the compute process warm between requests, with its libraries loaded
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(local.store, local.launcher, local.llm, { for mount in local.mounts.backend : mount.variable => "${mount.path}/value" })
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "volume_mounts" {
        for_each = local.mounts.backend
        content {
          name       = volume_mounts.value.volume
          mount_path = volume_mounts.value.path
        }
      }

      startup_probe {
        period_seconds    = 5
        failure_threshold = 24
        http_get {
          path = "/health/live"
        }
      }

      liveness_probe {
        period_seconds  = 30
        timeout_seconds = 5
        http_get {
          path = "/health/live"
        }
      }
    }

    dynamic "volumes" {
      for_each = local.mounts.backend
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

  # Releases change both step by step, and roll them back: cloudbuild.yaml.
  lifecycle {
    ignore_changes = [template[0].containers[0].image, template[0].revision, traffic, client, client_version]
  }

  depends_on = [google_project_service.used, google_secret_manager_secret_iam_member.readers]
}
