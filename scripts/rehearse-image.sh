#!/bin/sh
# Takes the Dockerfile's steps by hand in a clean directory (default: a fresh one under $TMPDIR), for machines
# without a container engine: the locked environment with hashes, our wheel without dependencies, and then
# what the image promises, tried from outside the checkout with an empty environment.
set -eu
cd "$(dirname "$0")/.."

rehearsal=${1:-$(mktemp -d "${TMPDIR:-/tmp}/image-rehearsal.XXXXXX")}
mkdir -p "$rehearsal/tmp" "$rehearsal/dist"
rehearsal=$(cd "$rehearsal" && pwd)
environment=$rehearsal/opt/memebattle

say() { echo "rehearsal: $*"; }
# as in the container: no variable of this shell, no bytecode written, HOME a scratch place outside the checkout
inside() {
    (cd "$rehearsal/tmp" && env -i PATH="$environment/bin:/usr/bin:/bin" HOME="$rehearsal/tmp" \
        PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 "$@")
}

uv=$(sh scripts/setup.sh uv)
export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never

say "1. an environment with $("$uv" --version)"
"$uv" venv --quiet --clear --python "$(cat .python-version)" "$environment"
say "2. requirements.lock, every file checked against its hash"
"$uv" pip sync --quiet --python "$environment/bin/python" --require-hashes --compile-bytecode requirements.lock
say "3. our wheel, alone"
rm -f "$rehearsal"/dist/*.whl
"$uv" build --quiet --wheel --out-dir "$rehearsal/dist"
"$uv" pip install --quiet --python "$environment/bin/python" --no-deps --compile-bytecode "$rehearsal"/dist/*.whl

say "4. faststream starts"
inside faststream --help >/dev/null
say "5. the worker builds with an empty environment"
inside python -c 'from memebattle.worker import create_app; create_app()'
say "6. the gateway builds with an empty environment"
inside python -c 'from memebattle.gateway.app import create_app; create_app()'
say "7. the installed packages agree with each other"
"$uv" pip check --quiet --python "$environment/bin/python"

say "well rehearsed; the environment is $(du -sm "$environment" | cut -f1) MB, in $environment"
