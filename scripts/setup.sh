#!/bin/sh
# Makes .venv from requirements-dev.lock. `setup.sh lock` resolves the lock files anew instead, and
# `setup.sh uv` only says which uv is used, fetching one when there is none.
#
# What bites on fresh machines, and what is done about it:
#   - no uv: it is a wheel on PyPI like any other, so pip fetches it into .uv/;
#   - Debian's python3 without ensurepip cannot make a venv with pip in it: then `pip --target`;
#   - `python3` is 3.11 and the 3.13 belongs to pyenv: uv finds it through .python-version;
#   - uv would download a Python from elsewhere when none fits: forbidden, the message says what to do.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8 # the same as in the Dockerfile
export UV_PYTHON_DOWNLOADS=never
export PIP_ROOT_USER_ACTION=ignore # in a container we are root, and only write into .uv

say() { echo "setup: $*" >&2; }

# Any interpreter that starts will do to fetch uv: a pyenv shim may be on PATH and yet refuse.
any_python() {
    for candidate in python3 python3.13 python3.12 /usr/bin/python3 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "no working python3 on PATH; install Python 3.12 or newer"
    return 1
}

fetch_uv() {
    python=$(any_python)
    say "no uv on PATH, fetching uv $UV_VERSION into .uv/ from PyPI"
    rm -rf .uv/venv .uv/lib
    if "$python" -m venv .uv/venv >/dev/null 2>&1; then
        .uv/venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" >&2
    else
        say "this $python cannot make a venv with pip (python3-venv is missing), using pip --target"
        rm -rf .uv/venv
        "$python" -m pip install --quiet --disable-pip-version-check --target .uv/lib "uv==$UV_VERSION" >&2
    fi
}

own_uv() {
    for candidate in .uv/venv/bin/uv .uv/lib/bin/uv; do
        if "$candidate" --version >/dev/null 2>&1; then
            echo "$PWD/$candidate"
            return
        fi
    done
    return 1
}

find_uv() {
    uv --version >/dev/null 2>&1 && command -v uv && return
    own_uv && return
    fetch_uv
    own_uv
}

# The preferred Python, then any that pyproject.toml accepts. Each also where pyenv keeps it: its shims may be
# off PATH, and they only answer to the version that .python-version names.
make_venv() {
    preferred=$(cat .python-version)
    pyenv=${PYENV_ROOT:-$HOME/.pyenv}/versions
    for wish in "$preferred" "$pyenv/$preferred"*/bin/python '>=3.12' "$pyenv"/3.1[2-9]*/bin/python; do
        if "$UV" venv --quiet --clear --python "$wish" .venv 2>/dev/null; then
            say "$(.venv/bin/python --version) in .venv"
            return
        fi
    done
    say "no Python 3.12 or newer found. Install one (a system package, or: pyenv install $preferred)"
    say "and run make setup again"
    return 1
}

venv_is_usable() {
    .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null
}

install() {
    venv_is_usable || make_venv
    "$UV" pip sync --quiet --python .venv/bin/python --require-hashes requirements-dev.lock
    "$UV" pip install --quiet --python .venv/bin/python --no-deps --editable .
    say "ready: make demo, make test"
}

lock() {
    "$UV" pip compile --quiet --universal --generate-hashes --extra speed --extra otel "$@" \
        pyproject.toml -o requirements.lock
    "$UV" pip compile --quiet --universal --generate-hashes --all-extras --group dev "$@" \
        pyproject.toml -o requirements-dev.lock
}

UV=$(find_uv)
case "${1:-install}" in
install) install ;;
lock) shift && lock "$@" ;;
uv) echo "$UV" ;;
*) say "unknown: $1 (install, lock or uv)" && exit 2 ;;
esac
