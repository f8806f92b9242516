"""Building, testing and maintaining the book. `make help` lists what there is."""

import os

# One thread each: the tensors of this course are small, a second thread is mostly waited for, and
# where others use the machine too it makes a chapter slower. The other cores take other chapters.
# And no sum of floats depends on how many cores there are.
os.environ["OMP_NUM_THREADS"] = "1"
