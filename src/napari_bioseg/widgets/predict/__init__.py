"""The panel that predicts."""
