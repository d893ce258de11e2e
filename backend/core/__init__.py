"""What every subject of the API needs: access, errors, responses, limits."""
