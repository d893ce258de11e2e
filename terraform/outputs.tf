output "frontend_url" {
  description = "URL of the web app."
  value       = google_cloud_run_v2_service.frontend.uri
}

output "backend_url" {
  description = "URL of the API; calls need an identity token and an API key."
  value       = google_cloud_run_v2_service.backend.uri
}

output "registry" {
  description = "Registry for the images."
  value       = "${google_artifact_registry_repository.images.location}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "bucket" {
  description = "Bucket with data and artifacts."
  value       = google_storage_bucket.store.url
}
