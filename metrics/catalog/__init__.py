"""Census of catalogs: identifiers, filled columns, sound numbers."""
