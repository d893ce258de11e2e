"""Questions with known answers, and the copilot's results on them."""
