"""Alert packets: content, cutouts, encoding, containers."""
