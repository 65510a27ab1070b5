"""Corrections of labels: small local changes, each a value that can be undone."""
