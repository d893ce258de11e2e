"""What every part needs: errors, configuration, secrets, plugins, progress."""
