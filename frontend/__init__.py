"""The web app: speaks HTTP with the API and imports nothing else of this project."""
