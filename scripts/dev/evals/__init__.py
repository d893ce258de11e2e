"""Questions with known answers, and how the copilot does on them."""
