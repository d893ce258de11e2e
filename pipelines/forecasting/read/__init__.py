"""What is published of a workspace, as rows and figures that other programs show."""
