#!/usr/bin/env bash
# setup.sh: put the locked packages into .venv, and mend a .venv that cannot be used. `make setup` calls it.
# It takes from the environment, or as `make setup NAME=value`:
#   PYTHON   the Python that .venv is made with, by default python3. A .venv of another version is made anew.
#   TORCH    the build of PyTorch: cpu, cuda, or the URL of an index that has another build. By default the choice of
#            the last time; the first time cuda on a machine with an NVIDIA card, and cpu on any other.
#            (TORCH_INDEX=URL, as containers/build has it, does the same.)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

lock=containers/requirements.lock
cpu_index=https://download.pytorch.org/whl/cpu
made=.venv/.made    # the environment is complete, its packages may be not; holds the choice of PyTorch's build
done=.venv/.setup   # the packages are complete too
minimum=$(sed -n 's/^requires-python = ">=\(.*\)"$/\1/p' pyproject.toml)
pin=$(grep '^torch==' "$lock")

# make puts .venv first in PATH, and so does who has activated it: its Python cannot make it anew.
PATH=$(tr ':' '\n' <<<"$PATH" | grep -vxF "$PWD/.venv/bin" | paste -sd : -)
python=${PYTHON:-python3}

say() {
    echo "make setup: $*"
}

fail() {
    say "$@" >&2
    exit 5
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

new_enough() {
    [ "$(printf '%s\n' "$minimum" "$1" | sort -V | head -n 1)" = "$minimum" ]
}

# Fail unless $python can make a virtual environment that the project runs in.
check_python() {
    local place version
    place=$(command -v "$python") || fail "there is no Python — $python — got no such command, expected Python $minimum" \
        "or newer — apt-get install python3 python3-venv, or give another one: make setup PYTHON=/path/to/python3"
    version=$(version_of "$python")
    [ -n "$version" ] || fail "Python does not start — $place — got an error, expected Python $minimum or newer —" \
        "run it to see why, or give another one: make setup PYTHON=/path/to/python3"
    new_enough "$version" || fail "Python is too old — $place — got $version, expected $minimum or newer —" \
        "install a newer one and give it: make setup PYTHON=/path/to/python$minimum"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "Python cannot make a virtual environment — $place —" \
        "got no module ensurepip, expected ensurepip and venv — apt-get install python$version-venv (Debian, Ubuntu)," \
        "or give another Python: make setup PYTHON=/path/to/python3"
}

# Print why .venv cannot be used; print nothing if it can.
defect() {
    local version asked
    version=$(version_of .venv/bin/python)
    if [ ! -e "$made" ] && [ ! -e "$done" ]; then
        echo "making it was interrupted"
    elif [ -z "$version" ]; then
        echo "its Python does not start"
    elif ! new_enough "$version"; then
        echo "its Python is $version, and the project takes $minimum or newer"
    elif [ -n "${PYTHON:-}" ] && asked=$(version_of "$PYTHON") && [ "$asked" != "$version" ]; then
        echo "its Python is $version, and $PYTHON is $asked"
    elif ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        echo "it has no pip that runs"
    elif ! head -n 2 .venv/bin/pip | grep -qF "$(cd .venv && pwd -P)/bin/"; then
        echo "it was moved here from another folder"
    fi
}

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

installed_torch() {
    .venv/bin/python -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null || true
}

# Install the chosen build of PyTorch, unless it is there.
install_torch() {
    local build=$1 before=$2 version=${pin#torch==} installed
    installed=$(installed_torch)
    if [ "$build" = cpu ] && [ "$(uname -s)" = Linux ]; then
        [ "$installed" != "$version+cpu" ] || return 0
        pip_install --timeout 15 --retries 2 --extra-index-url "$cpu_index" "$pin+cpu" && return
        say "the CPU build of PyTorch cannot be had — $cpu_index — got the error above, expected torch $version+cpu —" \
            "your usual index's build is taken, of 4 GB more; make setup tries again" >&2
        pip_install "$pin"
        return
    fi
    # To pip the builds of one version are the same: another one is installed only where there is none.
    if [ "$build" != "$before" ] && [ -n "$installed" ]; then
        .venv/bin/python -m pip uninstall --quiet --yes torch
    fi
    case $build in
    *://*) pip_install --extra-index-url "$build" "$pin" ;;
    *) pip_install "$pin" ;;
    esac
}

TORCH=${TORCH:-${TORCH_INDEX:-}}
case $TORCH in
'' | cpu | cuda | *://*) ;;
*) fail "there is no such build of PyTorch — TORCH — got $TORCH, expected cpu, cuda or the URL of an index —" \
    "make setup TORCH=cpu" ;;
esac

[ -z "${PYTHON:-}" ] || check_python
if [ -e .venv ] || [ -L .venv ]; then
    defect=$(defect)
    [ -z "$defect" ] || say ".venv is made anew: $defect"
else
    defect="there is none"
fi
if [ -n "$defect" ]; then
    check_python
    rm -rf .venv
    "$python" -m venv .venv || fail "the virtual environment cannot be made — $PWD/.venv — got the error above —" \
        "mend that and run make setup again"
    touch "$made"
fi

before=$(cat "$made" 2>/dev/null || true)
build=${TORCH:-$before}
if [ -z "$build" ]; then
    build=cpu
    ! nvidia-smi -L 2>/dev/null | grep -q '^GPU' || build=cuda
fi
case $build in cpu) other=cuda ;; *) other=cpu ;; esac
say "installing the packages of $lock into .venv, PyTorch's build for $build; for another build: make setup TORCH=$other"

# pip writes RECORD last: a package without was interrupted, and would count as installed.
for package in .venv/lib/python*/site-packages/*.dist-info; do
    [ -e "$package/RECORD" ] || rm -rf "$package"
done
# All other packages are installed by hash. torch has none, may come from any index, and brings the libraries of its build.
rm -f "$done"
grep -v '^torch==' "$lock" | pip_install --no-deps --require-hashes -r /dev/stdin
install_torch "$build" "$before"
echo "$build" >"$made"
pip_install --no-deps --no-build-isolation --editable .
.venv/bin/python -m pip check
touch "$done"
