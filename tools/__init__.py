"""Building, testing and maintaining the book. `make help` lists what there is."""

import os

# Threads of PyTorch's OpenMP (GNU's) spin while they wait for one another. Where cores are shared,
# two busy processes then make each other ten times slower, and a chapter runs into its time limit.
# After so few rounds they sleep: 5 % slower alone, and hardly slowed down by others.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
