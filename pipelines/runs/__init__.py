"""Runs of any content: recording, signing, verification and aliases."""
