#!/bin/sh
# Unpack what Python and the wheels need from Debian into a folder that becomes an image's root.
#
# Usage: debian_root.sh arm64|amd64 FOLDER
#
# Packages are unpacked and none of their scripts run, so any architecture works on any other. What
# those scripts would have made is made here: users, groups, certificates, package records.
set -eu

architecture=$1
root=$2
here=$(dirname "$0")

mmdebstrap --quiet --mode=chrootless --variant=extract --architectures="$architecture" \
    --include=base-files,libstdc++6,netbase,python3,tzdata,zlib1g \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/bash-completion/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    --dpkgopt='path-exclude=/usr/lib/*/gconv/*' \
    --skip=cleanup/apt trixie "$root"

# Scanners for vulnerabilities read the records of unpacked packages in status.d. Packages that are
# there for other packages' scripts alone leave again.
mkdir -p "$root/var/lib/dpkg/status.d"
for package in "$root"/var/cache/apt/archives/*.deb; do
    name=$(dpkg-deb --field "$package" Package)
    case $name in
    debconf | dpkg | mawk | tar)
        dpkg-deb --fsys-tarfile "$package" | tar --list | grep -v '/$' |
            (cd "$root" && xargs -d '\n' rm -f)
        ;;
    *)
        dpkg-deb --field "$package" >"$root/var/lib/dpkg/status.d/$name"
        ;;
    esac
done
rm -rf "$root/var/cache/apt" "$root/var/lib/apt" "$root/var/log" "$root/etc/apt"
find "$root/var/lib/dpkg" -mindepth 1 -maxdepth 1 ! -name status.d -exec rm -rf {} +

mkdir -p "$root/etc/ssl/certs"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
# The group video owns the cameras, by the number that all Debian systems share.
cat >"$root/etc/passwd" <<'EOF'
root:x:0:0:root:/root:/usr/sbin/nologin
saliedge:x:10001:10001:saliedge:/var/lib/saliedge:/usr/sbin/nologin
EOF
cat >"$root/etc/group" <<'EOF'
root:x:0:
video:x:44:saliedge
saliedge:x:10001:
EOF
chmod 0644 "$root/etc/passwd" "$root/etc/group"

# Python's own modules, which its package compiles when it is configured. The builder's Python is the
# same one, and bytecode is the same everywhere.
for modules in "$root"/usr/lib/python3.*; do
    "/usr/bin/${modules##*/}" -m compileall -q --invalidation-mode unchecked-hash \
        -s "$root" -p / "$modules"
done
mkdir -p "$here/state"
