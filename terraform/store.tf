# Storage: a registry for images, and a bucket for data, artifacts and pointers.

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:encrypted with Google's keys; a customer-managed key could be lost, and the images contain no secrets
  repository_id = "forecast-copilot"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the API, the web app and the jobs."

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }

  cleanup_policies {
    id     = "drop-old"
    action = "DELETE"
    condition {
      older_than = "7776000s"
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_storage_bucket" "store" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record data access if enabled; the audit file records every move of an alias
  name                        = "${var.project}-forecast-copilot"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = var.keep_days * 86400 > 7776000 ? 7776000 : var.keep_days * 86400
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = var.keep_days
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
