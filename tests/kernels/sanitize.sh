#!/bin/sh
# Builds the kernels with bounds checks and AddressSanitizer in a folder of their own and runs the
# kernels' tests there: tests/kernels/sanitize.sh [pytest arguments]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$root/ext" "$root/setup.py" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$copy"
mkdir "$copy/tests"
cp -r "$root/tests/kernels" "$copy/tests"
cp -r "$root/pomdft" "$copy"
find "$copy/pomdft" -name '*.so' -delete
cd "$copy"
POMDFT_BUILD=debug POMDFT_SANITIZE=address python setup.py -q build_ext --inplace
# The interpreter itself is not instrumented, so the runtime comes first and leaks are not its own.
LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
    PYTHONPATH="$copy" PYTHONMALLOC=malloc OMP_NUM_THREADS=1 \
    python -m pytest -q -p no:cacheprovider "${@:-tests/kernels}"
