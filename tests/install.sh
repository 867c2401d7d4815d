# Sourced: install_packages KIND... installs what tests/packages lists for those kinds and is not
# there yet. Where there is no apt it names what is missing and stops.

install_packages() {
  list=$1
  shift
  wanted=
  for kind in "$@"; do
    for package in $(sed -n "s/^$kind //p" "$list"); do
      [ "$kind" = command ] && command -v "$package" >/dev/null 2>&1 && continue
      wanted="$wanted $package"
    done
  done
  if ! command -v apt-get >/dev/null 2>&1; then
    for tool in c++ meson ninja pkg-config python3 openssl; do
      command -v "$tool" >/dev/null 2>&1 || {
        echo "This system has no apt-get. Please install what these Debian packages hold:" >&2
        echo "$wanted" | tr '\n' ' ' >&2
        echo >&2
        exit 1
      }
    done
    return 0
  fi
  missing=
  for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
      echo "Please install, as root:$missing" >&2
      exit 1
    }
    as_root=sudo
  fi
  echo "Installing:$missing"
  $as_root apt-get update -qq || true
  available=
  for package in $missing; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      available="$available $package"
    elif ! grep -Eq "^(extra|bench) $package\$" "$list"; then
      echo "No package named $package here; install what holds it and try again." >&2
      exit 1
    fi
  done
  [ -n "$available" ] || return 0
  # RUNLEVEL=1 keeps a package from starting its service: the tests start their own nginx.
  # shellcheck disable=SC2086
  $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $available >/dev/null
}
