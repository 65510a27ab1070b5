"""Panels for napari; the only folder that knows napari and Qt."""
