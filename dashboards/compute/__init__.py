"""From collected records to view models: pure functions, frozen results, no Panel."""
