"""Building, testing and maintaining the book. `make help` lists what there is."""
