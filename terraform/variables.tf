variable "project" {
  description = "ID of the Google Cloud project for all resources."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "Region of services, jobs, images and data."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Name a region such as europe-west1, not a zone."
  }
}

variable "environment" {
  description = "APP_ENV of services and jobs; both refuse unsafe settings and unsigned artifacts in prod."
  type        = string
  default     = "prod"

  validation {
    condition     = contains(["staging", "prod"], var.environment)
    error_message = "Use staging or prod: dev runs without keys, on one machine."
  }
}

variable "images" {
  description = "The three images by digest, so that exactly the tested images run."
  type = object({
    api       = string
    app       = string
    pipelines = string
  })

  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", image))])
    error_message = "Give each image with its digest: …/api@sha256:… (a tag may be moved to another image)."
  }
}

variable "secret_versions" {
  description = "Mounted version of each secret. To rotate a secret, add a version, set its number here, and apply."
  type = object({
    api_keys    = number
    app_key     = number
    signing_key = number
    llm_key     = optional(number)
  })
  default = { api_keys = 1, app_key = 1, signing_key = 1 }

  validation {
    condition     = alltrue([for version in values(var.secret_versions) : version == null || try(version >= 1 && floor(version) == version, false)])
    error_message = "Versions are whole numbers from 1; leave out llm_key where the copilot answers without a model."
  }
}

variable "llm" {
  description = "The copilot's model: any endpoint with OpenAI's protocol. Null: built-in answers without a model."
  type = object({
    base_url = string
    model    = string
  })
  default = null

  validation {
    condition     = var.llm == null || try(startswith(var.llm.base_url, "https://"), false)
    error_message = "llm.base_url must begin with https://: questions and facts go there."
  }
}

variable "workspaces" {
  description = "Workspaces that the schedule keeps up to date; each has a file in configs/workspaces."
  type        = set(string)
  default     = ["retail"]

  validation {
    condition     = length(var.workspaces) > 0 && alltrue([for name in var.workspaces : can(regex("^[a-z0-9][a-z0-9-]{0,40}$", name))])
    error_message = "Name at least one workspace, in lower-case letters, digits and hyphens."
  }
}

variable "schedule" {
  description = "When the jobs of each workspace run, as cron in `time_zone`. Leave enough time between them: a job does not wait for the previous one."
  type = object({
    time_zone = string
    etl       = string
    train     = string
    inference = string
    monitor   = string
  })
  default = {
    time_zone = "Etc/UTC"
    etl       = "0 3 * * *"
    train     = "30 3 * * 0"
    inference = "0 5 * * *"
    monitor   = "30 5 * * *"
  }

  validation {
    condition     = alltrue([for kind, cron in var.schedule : kind == "time_zone" || can(regex("^(\\S+\\s+){4}\\S+$", cron))])
    error_message = "A schedule has five fields: minute, hour, day of month, month, day of week."
  }
}

variable "frontend_access" {
  description = "Who can open the web app: members of `frontend_members`, through Identity-Aware Proxy (iap), or everyone (public)."
  type        = string
  default     = "iap"

  validation {
    condition     = contains(["iap", "public"], var.frontend_access)
    error_message = "Use iap or public."
  }
}

variable "frontend_members" {
  description = "Members admitted by Identity-Aware Proxy, such as group:planning@example.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.frontend_members : can(regex("^(user|group|domain|serviceAccount):.+$", member))])
    error_message = "Members look like user:…, group:…, domain:… or serviceAccount:…"
  }
}

variable "frontend_hosts" {
  description = "Host names of the web app besides those of Cloud Run, such as a mapped domain: forecasts.example.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for host in var.frontend_hosts : can(regex("^(\\*\\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", host))])
    error_message = "Hosts are names such as forecasts.example.com or *.example.com, without scheme and port."
  }
}

variable "instances" {
  description = "Minimum and maximum number of instances per service. With min 0, the first request waits for an instance to start."
  type = object({
    backend  = object({ min = number, max = number })
    frontend = object({ min = number, max = number })
  })
  default = {
    backend  = { min = 1, max = 4 }
    frontend = { min = 0, max = 4 }
  }

  validation {
    condition     = alltrue([for n in values(var.instances) : n.min >= 0 && n.max >= 1 && n.min <= n.max])
    error_message = "0 ≤ min ≤ max, and max is at least 1."
  }
}

variable "job_size" {
  description = "Cores, memory and timeout of a job."
  type        = object({ cpu = string, memory = string, timeout = string })
  default     = { cpu = "4", memory = "8Gi", timeout = "7200s" }

  validation {
    condition     = contains(["1", "2", "4", "8"], var.job_size.cpu) && can(regex("^[0-9]+Gi$", var.job_size.memory)) && can(regex("^[0-9]+s$", var.job_size.timeout))
    error_message = "cpu is 1, 2, 4 or 8, memory such as 8Gi, timeout in seconds such as 7200s."
  }
}

variable "keep_days" {
  description = "Days for which replaced and deleted objects can be restored."
  type        = number
  default     = 30

  validation {
    condition     = var.keep_days >= 7 && var.keep_days <= 365
    error_message = "Keep 7 to 365 days."
  }
}

variable "alert_email" {
  description = "E-mail addresses notified when a service or job fails."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "Give one e-mail address."
  }
}

variable "budget" {
  description = "Billing account and monthly amount in its currency; its administrators are notified at 50, 90 and 100 %. Null: no budget."
  type        = object({ billing_account = string, amount = number })
  default     = null

  validation {
    condition     = var.budget == null || try(var.budget.amount >= 1 && can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)), false)
    error_message = "A billing account looks like 0A1B2C-3D4E5F-6A7B8C, and the amount is at least 1."
  }
}
