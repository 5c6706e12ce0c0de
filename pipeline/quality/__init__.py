"""What processed images say about the instrument: crosstalk left over, ghosts."""
