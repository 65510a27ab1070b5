"""Forms made from settings, and the small widgets that panels are built of."""
