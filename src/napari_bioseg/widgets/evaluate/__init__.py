"""The panel that says how good labels are."""
