terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.0, < 8.0"
    }
  }

  # The state bucket is set with `terraform init -backend-config="bucket=…"`.
  backend "gcs" {
    prefix = "forecast-copilot"
  }
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true

  default_labels = {
    app         = "forecast-copilot"
    environment = var.environment
  }
}

data "google_project" "this" {}

resource "google_project_service" "used" {
  for_each = toset([
    "artifactregistry", "billingbudgets", "cloudbuild", "cloudscheduler", "iap", "logging", "monitoring",
    "ondemandscanning", "run", "secretmanager", "storage",
  ])

  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
