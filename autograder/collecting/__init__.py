"""Notebooks from where students leave them to where submissions lie; one module per place."""
