output "frontend_url" {
  description = "Where people open the web app."
  value       = google_cloud_run_v2_service.frontend.uri
}

output "backend_url" {
  description = "Where the API is; it wants an identity token and a key."
  value       = google_cloud_run_v2_service.backend.uri
}

output "registry" {
  description = "Where images are pushed to."
  value       = "${google_artifact_registry_repository.images.location}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "bucket" {
  description = "Where data and artifacts are."
  value       = google_storage_bucket.store.url
}
