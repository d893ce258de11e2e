"""The copilot: it explains what was forecast and measured, and predicts nothing."""
