# Names only: values are added with `gcloud secrets versions add`, so that no state or plan contains one.

locals {
  # secret = {version, accounts that may read it}
  secrets = merge(
    {
      api_keys    = { version = var.secret_versions.api_keys, readers = ["backend"] }
      app_key     = { version = var.secret_versions.app_key, readers = ["frontend"] }
      signing_key = { version = var.secret_versions.signing_key, readers = ["backend", "jobs"] }
    },
    var.llm == null ? {} : { llm_key = { version = var.secret_versions.llm_key, readers = ["backend"] } },
  )

  # Mount path of each secret in a container.
  variables = {
    api_keys    = "API_KEYS_FILE"
    app_key     = "APP_API_KEY_FILE"
    signing_key = "ARTIFACT_SIGNING_KEY_FILE"
    llm_key     = "LLM_API_KEY_FILE"
  }

  mounts = {
    for reader in ["backend", "frontend", "jobs"] : reader => {
      for name, secret in local.secrets : name => {
        variable = local.variables[name]
        volume   = replace(name, "_", "-")
        path     = "/secrets/${replace(name, "_", "-")}"
        secret   = google_secret_manager_secret.this[name].secret_id
        version  = tostring(secret.version)
      } if contains(secret.readers, reader)
    }
  }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  secret_id = "forecast-${replace(each.key, "_", "-")}"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  lifecycle {
    precondition {
      condition     = each.value.version != null
      error_message = "secret_versions.llm_key is needed where llm is set."
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = merge([
    for name, secret in local.secrets : { for reader in secret.readers : "${name}-${reader}" => { name = name, reader = reader } }
  ]...)

  secret_id = google_secret_manager_secret.this[each.value.name].id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member[each.value.reader]
}
