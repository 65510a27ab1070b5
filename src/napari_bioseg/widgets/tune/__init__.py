"""The panel that tunes."""
