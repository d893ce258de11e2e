"""What forecasts said and what came, what changed in the inputs, who is told, and whether to go back."""
