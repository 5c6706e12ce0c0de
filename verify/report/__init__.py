"""Reports: what a run says about its requirements, for a terminal, a page, a file."""
