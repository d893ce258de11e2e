"""How each kind of question is answered: which tools are asked, and what is said with their facts."""
