# shellcheck shell=bash
# What the steps share. They run in the copy of the tree (CI_TREE), with CI_WORK for what lies beside it.

say() { printf '\n== %s\n' "$*"; }

# The README's own commands are what is run: the line that ends in `memmon demo`, and the one in `pytest -q`.
readme_command() { grep -m1 -E "^python3 -m venv .*$1\$" "$CI_TREE/README.md"; }

environment_stamp() {
  (
    cd "$CI_TREE" || exit
    { python3 -VV && readme_command 'pytest -q' && cat pyproject.toml constraints.txt; } | cksum
  )
}

environment_is_made() {
  [ -x "$CI_TREE/.venv/bin/pytest" ] && [ "$(cat "$CI_WORK/environment" 2>/dev/null)" = "$(environment_stamp)" ]
}

# Some tests kill, fork and time real processes: what failed beside a thousand others is run once more by
# itself, in sight. What fails twice has failed. Each kind remembers its own: two of them may run side by side.
# PYTEST is that of another environment.
pytest_twice() {
  local what=$1 pytest=${PYTEST:-.venv/bin/pytest} memory
  shift
  memory=cache_dir=.pytest_cache/$what
  "$pytest" -q -o "$memory" "$@" && return
  say "once more, alone: what failed among the $what tests"
  "$pytest" -q -o "$memory" "$@" -n 0 --lf
}
