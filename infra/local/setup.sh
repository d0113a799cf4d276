#!/usr/bin/env bash
# Installs what the project needs on this machine, and says what it does. Silent, and quick, when
# there is nothing to do; safe to repeat, to interrupt, and to run twice at the same time.
#
#   setup.sh             everything
#   setup.sh FOLDER      only a virtual environment FOLDER for the tests, of $PYTHON
#
#   PYTHON=/path/to/python   the interpreter to use (3.11 or newer)
#   RABBITMQ_URL             a broker runs elsewhere: RabbitMQ is not installed
#   DYNAMODB_ENDPOINT_URL    an engine runs elsewhere: ministack is not installed
#   CHROMIUM=/path/to/it     the browser of the tests: neither Chromium nor a Chinese font is installed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly LOG=.local/logs/setup.log
readonly BROKER=/usr/lib/rabbitmq/bin/rabbitmq-server
readonly BROWSER=/usr/bin/chromium
readonly POLICY=/usr/sbin/policy-rc.d
readonly POLICY_MARK="# course-payments: services stay off while this process installs a package:"

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# Runs a command with its output in the log; when it fails, shows the end of the log and fails.
logged() {
    # The lock is not for whatever a package starts.
    "$@" >>"$LOG" 2>&1 9>&- && return
    tail -n 30 "$LOG" >&2
    return 1
}

# ---- Python ---------------------------------------------------------------------------------

version_of() { "$1" -c 'import sys; print(sys.version)' 2>/dev/null; }
is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
makes_venvs() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# The first interpreter that really runs (a pyenv shim may exist and fail), if possible one that
# can make virtual environments as it is.
choose_python() {
    local candidate fallback=
    if [ -n "${PYTHON:-}" ]; then
        is_recent "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or newer that runs"
        printf '%s' "$PYTHON"
        return
    fi
    for candidate in python3.11 python3.12 python3.13 python3; do
        is_recent "$candidate" || continue
        if makes_venvs "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
        fallback=${fallback:-$candidate}
    done
    [ -n "$fallback" ] || die "no Python 3.11 or newer found; install one, or set PYTHON=/path/to/python"
    printf '%s' "$fallback"
}

# Debian's Python comes without the module that puts pip into virtual environments.
need_venv_module() {
    local python=$1 package
    makes_venvs "$python" && return
    [ "$("$python" -c 'import sys; print(sys.base_prefix)')" = /usr ] ||
        die "$python cannot make virtual environments (no module ensurepip); set PYTHON to one that can"
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    install_packages "$package"
    makes_venvs "$python" || die "$python still has no module ensurepip after the installation of $package"
}

# ---- virtual environments -------------------------------------------------------------------

fingerprint() { cat requirements*.txt | sha256sum | cut -d' ' -f1; }

# Whether a virtual environment is complete, runs, and is of the asked Python.
is_current() {
    local folder=$1
    [ "$(cat "$folder/.installed" 2>/dev/null)" = "$FINGERPRINT" ] && is_usable "$folder"
}

is_usable() {
    local folder=$1
    [ ! -e "$folder/.installing" ] && is_recent "$folder/bin/python" || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$folder/bin/python")" ]
}

install_venv() {
    local folder=$1 requirements=$2 python started=$SECONDS
    is_current "$folder" && return
    if ! is_usable "$folder" || ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
        python=$(choose_python)
        need_venv_module "$python"
        say "making $folder with $("$python" -c 'import sys; print("Python", sys.version.split()[0])')"
        rm -rf "$folder"
        logged "$python" -m venv "$folder" || die "could not make $folder (see $LOG)"
    fi
    say "installing $requirements into $folder (the first time takes a minute or two)"
    # What an interrupted pip leaves looks installed to the next one: then we start afresh.
    : >"$folder/.installing"
    logged "$folder/bin/python" -m pip install --no-input --disable-pip-version-check \
        --progress-bar off -r "$requirements" || die "could not install $requirements (see $LOG)"
    printf '%s\n' "$FINGERPRINT" >"$folder/.installed"
    rm "$folder/.installing"
    say "$folder is ready after $((SECONDS - started)) s"
}

# ---- Debian packages ------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

need_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null ||
        die "$* must be installed by root, and there is no sudo: run 'apt-get install $*' as root"
    sudo -n true 2>/dev/null && return
    [ -t 0 ] || die "$* must be installed by root: run 'sudo apt-get install $*'"
    say "sudo may ask for your password to install $*"
    sudo -v || die "without root: run 'apt-get install $*' as root"
}

# Debian starts the services of a package that it installs, unless the machine's policy says no
# (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt). A policy that is
# there already is the machine's own and stays as it is.
forbid_services() {
    [ ! -e "$POLICY" ] || return 0
    trap allow_services EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\n%s %s\nexit 101\n' "$POLICY_MARK" $$ | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
}

allow_services() {
    [ "$(policy_owner)" != $$ ] || as_root rm -f "$POLICY"
    trap - EXIT INT TERM HUP
}

# The process that made the policy, if a setup did.
policy_owner() { sed -n "s|^$POLICY_MARK ||p" "$POLICY" 2>/dev/null || true; }

# A setup that was killed could not take its policy back.
remove_stale_policy() {
    [ -e "$POLICY" ] || return 0
    local owner
    owner=$(policy_owner)
    if [ -n "$owner" ] && [ ! -e "/proc/$owner" ]; then
        say "removing $POLICY, which an interrupted setup left behind"
        as_root rm -f "$POLICY"
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y \
        install --no-install-recommends "$@"
}

install_packages() {
    local started=$SECONDS
    command -v apt-get >/dev/null ||
        die "$* is missing, and this machine has no apt-get: install it by the means of this system," \
            "or set RABBITMQ_URL and PYTHON to ones that exist"
    need_root "$@"
    say "installing the Debian packages: $*"
    forbid_services
    if ! apt_install "$@" >>"$LOG" 2>&1 9>&-; then
        logged as_root apt-get update || die "apt-get update failed (see $LOG)"
        logged apt_install "$@" || die "apt-get could not install $* (see $LOG)"
    fi
    allow_services
    say "installed $* after $((SECONDS - started)) s"
}

has_unit() { [ -e "/lib/systemd/system/$1" ]; }

install_broker() {
    [ -z "${RABBITMQ_URL:-}" ] && [ ! -x "$BROKER" ] || return 0
    local unit new_units=()
    for unit in rabbitmq-server.service epmd.service epmd.socket; do
        has_unit "$unit" || new_units+=("$unit")
    done
    say "RabbitMQ is missing; the project runs nodes of its own, the system's broker stays off"
    install_packages rabbitmq-server
    # The package also has its services started at the next boot.
    if command -v systemctl >/dev/null; then
        for unit in "${new_units[@]}"; do
            has_unit "$unit" && { logged as_root systemctl disable "$unit" || say "could not disable $unit"; }
        done
    fi
    [ -x "$BROKER" ] || die "rabbitmq-server is installed, but $BROKER does not exist"
}

has_browser() { [ -n "${CHROMIUM:-}" ] || { [ -x "$BROWSER" ] && writes_chinese; }; }
writes_chinese() { [ -n "$(fc-list :lang=zh-cn family 2>/dev/null)" ]; }

# The tests drive the system's browser: Playwright downloads none of its own.
install_browser() {
    has_browser && return
    local missing=()
    [ -x "$BROWSER" ] || missing+=(chromium)
    writes_chinese || missing+=(fonts-noto-cjk)
    install_packages "${missing[@]}"
    has_browser || die "installed ${missing[*]}, but there is no $BROWSER, or it has no Chinese font"
}

# ---------------------------------------------------------------------------------------------

needs_no_engine() {
    [ -n "${DYNAMODB_ENDPOINT_URL:-}" ] && [ -n "${S3_ENDPOINT_URL:-}" ]
}

nothing_to_do() {
    if [ -n "$ONLY" ]; then
        is_current "$ONLY"
        return
    fi
    is_current .venv || return 1
    needs_no_engine || is_current .venv-ministack || return 1
    has_browser || return 1
    [ -n "${RABBITMQ_URL:-}" ] || [ -x "$BROKER" ]
}

readonly ONLY=${1:-}
remove_stale_policy
FINGERPRINT=$(fingerprint)
nothing_to_do && exit 0

mkdir -p "$(dirname "$LOG")"
exec 9>.local/setup.lock
if command -v flock >/dev/null && ! flock -n 9; then
    say "another setup is at work here; waiting for it"
    flock 9
    nothing_to_do && exit 0
fi
: >"$LOG"
if [ -n "$ONLY" ]; then
    install_venv "$ONLY" requirements-dev.txt
    exit
fi
install_broker
install_browser
install_venv .venv requirements-dev.txt
needs_no_engine || install_venv .venv-ministack requirements-ministack.txt
