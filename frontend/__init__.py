"""The web app. It talks to the API over HTTP and imports nothing else of this project."""
