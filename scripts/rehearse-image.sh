#!/bin/sh
# Takes the Dockerfile's steps by hand in a clean directory (default: a fresh one under $TMPDIR), for machines
# without a container engine: the locked environment with hashes, our wheel without dependencies, made slim, and
# then what the image promises, tried from outside the checkout with an empty environment. At the end it adds up
# what the image would weigh, and fails above the budget.
set -eu
cd "$(dirname "$0")/.."

# python:3.13-slim-bookworm on amd64, 2026-08-25: "virtual size ~ 120.97 MB" says docker-library/repo-info
BASE_MB=121
BUDGET_MB=200

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

# in millions of bytes, rounded up, as engines count
megabytes() {
    "$environment/bin/python" - "$environment" <<'SUM'
import sys
from pathlib import Path

print(-(-sum(path.lstat().st_size for path in Path(sys.argv[1]).rglob("*")) // 10**6))
SUM
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
if command -v strip >/dev/null; then
    whole=$(megabytes)
    sh scripts/slim-environment.sh "$environment"
    say "4. made slim: $whole MB became $(megabytes) MB"
else
    say "4. not made slim: there is no \`strip\` here (binutils), so the sum below is too large"
fi

say "5. faststream starts"
inside faststream --help >/dev/null
say "6. the worker builds with an empty environment"
inside python -c 'from memebattle.worker import create_app; create_app()'
say "7. the gateway builds with an empty environment"
inside python -c 'from memebattle.gateway.app import create_app; create_app()'
say "8. every compiled module loads, and pictures can be written"
inside python - "$environment" <<'LOAD'
import importlib
import io
import sys
from pathlib import Path

from PIL import Image

root = next(Path(sys.argv[1]).glob("lib/python*/site-packages"))
for path in sorted(root.rglob("*.so")):
    parts = path.relative_to(root).parts
    if not any(part.endswith(".libs") for part in parts):
        importlib.import_module(".".join([*parts[:-1], parts[-1].split(".")[0]]))
for kind in ("PNG", "JPEG", "WEBP"):
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, kind)
    Image.open(written, formats=[kind]).load()
LOAD
say "9. the chart is in the wheel"
inside python -c 'from memebattle.cli.k8s_chart import chart_directory; chart_directory()'
say "10. the installed packages agree with each other"
"$uv" pip check --quiet --python "$environment/bin/python"

own=$(megabytes)
total=$((BASE_MB + own))
say "by plan: $BASE_MB MB of base + $own MB of environment = $total MB, of $BUDGET_MB"
if [ "$total" -gt "$BUDGET_MB" ]; then
    say "too heavy by $((total - BUDGET_MB)) MB"
    exit 1
fi
say "well rehearsed; the environment is in $environment"
