"""What can be looked up about a workspace: cards, reports, the data dictionary, documents and notes."""
