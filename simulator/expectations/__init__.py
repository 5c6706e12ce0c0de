"""What the twin's error terms make of every quantity: population value and expected error."""
