"""Answers questions about what is published. It explains; it never predicts."""
