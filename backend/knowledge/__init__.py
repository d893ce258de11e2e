"""Knowledge search over a workspace: run cards, reports, the data dictionary, documents and notes."""
