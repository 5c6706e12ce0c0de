"""The served pages: collect -> compute -> plot -> pages -> app.

`collect` reads the store and the requirement map, `compute` makes frozen view models of it
without any knowledge of Panel, `plot` and `pages` show them, `app` answers URLs.
"""
