"""The modelled clock of a night: when each alert is handed over."""
