"""The panel in which objects are corrected by hand."""
