"""The panel that measures objects."""
