"""Plans for each kind of question: which tools to call, and what to say with their facts."""
