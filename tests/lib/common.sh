# common.sh - what quickstart, runtests and test scripts share. Sourced from the top of the tree.

PACKAGES="build-essential autoconf automake pkg-config python3 python3-yaml curl jq libmicrohttpd-dev libjansson-dev libuv1-dev
libssl-dev libseccomp-dev check libsqlite3-dev libwslay-dev clang-format git procps nftables iproute2 iptables"

step() {
	printf '\n==> %s\n' "$*"
}

die() {
	printf '\nerror: %s\n' "$*" >&2
	exit 1
}

# Installs what Warren's build and its tests need; says what to do if it may not.
install_dependencies() {
	step "dependencies"
	# shellcheck disable=SC2086
	install_packages $PACKAGES && echo "all installed"
}

# install_packages NAME...: installs those of these Debian packages that are missing.
install_packages() {
	local missing="" p sudo="" log
	command -v dpkg-query >/dev/null || die "this is not a Debian system; install the packages named in tests/lib/common.sh by hand and build with ./bootstrap && mkdir build && cd build && ../configure && make"
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	echo "installing:$missing"
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "not root and no sudo; run as root: apt-get install$missing"
		sudo=sudo
	fi
	log=$(mktemp)
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -q && apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends $missing" >"$log" 2>&1 </dev/null ||
		{ tail -5 "$log"; die "apt-get could not install$missing; see $log, check the network and the package sources, and run again"; }
	rm -f "$log"
}

# Builds in build/, configuring only when needed.
build_warren() {
	step "build"
	if [ ! -x configure ] || [ configure.ac -nt configure ]; then
		./bootstrap >build-bootstrap.log 2>&1 || { tail -5 build-bootstrap.log; die "./bootstrap failed; see build-bootstrap.log"; }
		rm -f build-bootstrap.log
	fi
	mkdir -p build
	if [ ! -f build/Makefile ]; then
		(cd build && ../configure -q) || die "configure failed; its reason is above and in build/config.log"
	fi
	make -s -j"$(nproc)" -C build || die "the build failed; its reason is above"
	echo "built: $(ls build/bin 2>/dev/null | tr '\n' ' ')"
}

# A small root file system out of this machine's own programs and the libraries they need: enough for a shell.
make_small_rootfs() {
	local root=$1 p lib
	[ -x "$root/bin/bash" ] && [ -e "$root/.complete" ] && return
	mkdir -p "$root"/usr/bin "$root"/usr/lib "$root"/usr/lib64 "$root"/usr/sbin "$root"/etc "$root"/root "$root"/tmp "$root"/proc \
		"$root"/sys "$root"/dev "$root"/var/tmp || return 1
	chmod 1777 "$root"/tmp "$root"/var/tmp
	for p in bin lib lib64 sbin; do
		[ -e "$root/$p" ] || ln -s "usr/$p" "$root/$p" || return 1
	done
	for p in bash sh true false yes dd tee xargs printf readlink test pwd ls cat ps top id uname env echo sleep grep sed awk find sort head tail wc date mkdir rm cp mv ln touch chmod stat \
		hostname tty stty kill free du df tar gzip seq tr cut clear vi nano less; do
		p=$(type -P "$p") || continue
		case $p in /usr/* | /bin/* | /sbin/*) ;; *) continue ;; esac
		cp -L "$p" "$root/usr/bin/" || return 1
		for lib in $(ldd "$p" 2>/dev/null | grep -o '/[^ ]*'); do
			lib=$(realpath -s "$lib")
			case $lib in /usr/*) ;; *) lib=/usr$lib ;; esac
			mkdir -p "$root${lib%/*}" && cp -Ln "$lib" "$root$lib" || return 1
		done
	done
	[ -d /usr/share/terminfo ] && mkdir -p "$root/usr/share" && cp -r /usr/share/terminfo "$root/usr/share/"
	[ -d /lib/terminfo ] && cp -r /lib/terminfo "$root/usr/lib/"
	printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$root/etc/group"
	touch "$root/.complete"
}
