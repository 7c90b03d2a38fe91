#!/bin/sh
# Takes out of a Python environment what nobody runs. For the image; `make image-rehearsal` does the same.
#
#   scripts/slim-environment.sh DIRECTORY
set -eu

packages=$(echo "$1"/lib/python*/site-packages)

# Debugging symbols of compiled modules: nine tenths of uvloop. What lies in NAME.libs is left alone: the tool
# that put it into the wheel has moved its parts about, and `strip` does not expect that.
find "$packages" -type f -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} +

# What compiled modules were made from, and types.
find "$packages" -type f \
    \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.proto' \) -delete

# AVIF: pictures are PNG, JPEG and WebP (generation/pictures.py), and Pillow does without.
rm -f "$packages"/PIL/_avif.*.so "$packages"/pillow.libs/libavif-*.so*

# Bytecode of what colours code in a terminal: no role imports it, and who does waits a little longer.
find "$packages/pygments" -type d -name __pycache__ -prune -exec rm -rf {} +
