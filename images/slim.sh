#!/bin/sh
# Takes out of installed libraries what no process ever loads: a third of their size. Usage: slim.sh <site-packages>
set -eu
cd "$1"
# What evidently calls tests are parts of its reports.
find . -path ./evidently -prune -o -type d \( -name tests -o -name test -o -name include \) -prune -exec rm -rf {} +
find . -type f \( -name '*.o' -o -name '*.a' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' \) -delete
rm -rf pyarrow/*flight* pyarrow/*s3* pyarrow/src  # Arrow's network protocol, and its own way to S3: ours is fsspec's
rm -f pyarrow/libarrow_python*.so pyarrow/libarrow_python*.so.*.*.*  # the same under the names that compilers ask for
# Data of other people's examples.
find . -path './statsmodels/datasets/*' -name '*.csv' -delete
rm -rf sklearn/datasets/data sklearn/datasets/images
# Symbols are for debuggers. Stripping would break the libraries in *.libs, which patchelf has moved; one of cmdstan is a text.
find . -type f \( -name '*.so' -o -name '*.so.*' \) -not -path '*.libs/*' -not -path './prophet/*' \
  -exec strip --strip-unneeded {} +
