"""The speed of `attention_lib` beside other libraries, in one run: `make bench`."""
