"""The copilot: answers questions about published data. It explains; it never predicts."""
