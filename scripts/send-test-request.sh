#!/bin/sh
# Sends meme requests and prints the answers, with the flags of the original script:
#   --prompt TEXT  --id ID  --fast  --small  --count N  --timeout SECONDS  --save DIR
# All work is done by `memebattle send`; its other options are passed on as they are.
set -eu

usage() {
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    echo "Example: $0 --prompt 'A cat wearing a space helmet on Mars' --save memes/"
}

memebattle=$(dirname "$0")/../.venv/bin/memebattle
[ -x "$memebattle" ] || memebattle=memebattle

prompt="A cat wearing a space helmet on Mars"
# Each argument is taken from the front and, unless it is the prompt, put back at the end: what remains is
# what `memebattle send` understands, and no quoting is lost on the way.
left=$#
while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case $word in
    -h | --help)
        usage
        exit 0
        ;;
    --prompt=*) prompt=${word#--prompt=} ;;
    --prompt)
        [ "$left" -gt 0 ] || { echo "--prompt needs a text" >&2 && exit 2; }
        prompt=$1
        shift
        left=$((left - 1))
        ;;
    *) set -- "$@" "$word" ;;
    esac
done
exec "$memebattle" send "$@" -- "$prompt"
