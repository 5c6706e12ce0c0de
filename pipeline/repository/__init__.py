"""Butler repositories: making them, and entering raw frames, references and sky maps."""
