"""What the visits of a whole survey cover: area, visits per field, fast revisits."""
