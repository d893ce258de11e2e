"""Published results of a workspace as rows and figures for other programs."""
