"""Between napari's layers and the package's arrays."""
