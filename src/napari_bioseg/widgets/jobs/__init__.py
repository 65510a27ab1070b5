"""Work that runs beside the window, and how it is shown."""
