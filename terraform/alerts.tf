# Alerts for failures and costs.

resource "google_monitoring_notification_channel" "email" {
  display_name = "Forecast Copilot"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "errors" {
  for_each = {
    service = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^forecast-\" AND severity>=ERROR"
    job     = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=~\"^${local.job_prefix}\" AND severity>=ERROR"
  }

  display_name = "Forecast Copilot: a ${each.key} reports an error"
  combiner     = "OR"

  conditions {
    display_name = "A line of severity ERROR or above"
    condition_matched_log {
      filter = each.value
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Open the log of the resource that is named above. docs/RUNBOOK.md says what to do."
  }

  notification_channels = [google_monitoring_notification_channel.email.id]
}

resource "google_billing_budget" "month" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "Forecast Copilot (${var.environment})"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(floor(var.budget.amount))
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
}
