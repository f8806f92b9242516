"""The few Sphinx hooks of the book."""
