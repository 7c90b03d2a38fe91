#!/bin/sh
# Follows meme.response and meme.response.error until Ctrl-C:
#   --output-dir DIR   save every image there, with the extension of its content type
#   --timeout SECONDS  stop by itself
# All work is done by `memebattle watch`; its other options are passed on as they are.
set -eu

case ${1:-} in
-h | --help)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

memebattle=$(dirname "$0")/../.venv/bin/memebattle
[ -x "$memebattle" ] || memebattle=memebattle
exec "$memebattle" watch "$@"
