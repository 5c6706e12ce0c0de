"""What `benchmarks/images.py` is made of: images with their truth, SExtractor, and how good."""
