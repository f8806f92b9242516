"""Building, testing and maintaining the book. `make help` lists what there is."""

import os

# Threads that wait without spinning: where cores are shared, two busy processes with spinning
# threads make each other ten times slower, and a chapter runs into its time limit.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
