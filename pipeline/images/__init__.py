"""Images with masks and variances, and how a Butler keeps them."""
