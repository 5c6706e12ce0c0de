"""From view models to Bokeh figures; every figure has its words and its table elsewhere."""
