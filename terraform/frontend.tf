# The web app. A visit is one websocket: it lasts longer than usual requests and is bound to one instance.

resource "google_cloud_run_v2_service" "frontend" {
  name                = "forecast-frontend"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  iap_enabled         = var.frontend_access == "iap"
  deletion_protection = var.environment == "prod"

  template {
    service_account                  = google_service_account.this["frontend"].email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "3600s"
    session_affinity                 = true
    max_instance_request_concurrency = 50

    scaling {
      min_instance_count = var.instances.frontend.min
      max_instance_count = var.instances.frontend.max
    }

    containers {
      image = var.images.app

      ports {
        container_port = 8501
      }

      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(
          {
            APP_API_URL      = google_cloud_run_v2_service.backend.uri
            APP_API_AUDIENCE = google_cloud_run_v2_service.backend.uri
            # The platform only routes this service's own run.app hosts here.
            APP_ALLOWED_HOSTS = join(",", concat(["*.run.app"], sort(var.frontend_hosts)))
            # A public app refuses to start with an admin key.
            APP_PUBLIC = tostring(var.frontend_access == "public")
          },
          { for mount in local.mounts.frontend : mount.variable => "${mount.path}/value" },
        )
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "volume_mounts" {
        for_each = local.mounts.frontend
        content {
          name       = volume_mounts.value.volume
          mount_path = volume_mounts.value.path
        }
      }

      startup_probe {
        period_seconds    = 5
        failure_threshold = 24
        http_get {
          path = "/_stcore/health"
        }
      }

      liveness_probe {
        period_seconds  = 30
        timeout_seconds = 5
        http_get {
          path = "/_stcore/health"
        }
      }
    }

    dynamic "volumes" {
      for_each = local.mounts.frontend
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

  lifecycle {
    ignore_changes = [template[0].containers[0].image, template[0].revision, traffic, client, client_version]
  }

  depends_on = [google_project_service.used, google_secret_manager_secret_iam_member.readers]
}

# Who may invoke the web app: Identity-Aware Proxy, for the members it admits, or everyone.
resource "google_cloud_run_v2_service_iam_member" "visitors" {
  name     = google_cloud_run_v2_service.frontend.name
  location = var.region
  role     = "roles/run.invoker"
  member   = var.frontend_access == "public" ? "allUsers" : "serviceAccount:service-${data.google_project.this.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

resource "google_iap_web_cloud_run_service_iam_member" "visitors" {
  for_each = var.frontend_access == "iap" ? var.frontend_members : []

  cloud_run_service_name = google_cloud_run_v2_service.frontend.name
  location               = var.region
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.key
}
