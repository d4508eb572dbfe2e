# A repository of our own (file:), packages made here; dpkg -i, apt-get update, install, upgrade, remove, purge.
set -e
export DEBIAN_FRONTEND=noninteractive
mkdir -p /tmp/build /srv/repo
make_package() { # NAME VERSION DEPENDS
	d=/tmp/build/$1-$2
	rm -rf $d
	mkdir -p $d/DEBIAN $d/usr/bin $d/etc $d/usr/share/$1/deep/er
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: test\n%s' $1 $2 "${3:+Depends: $3
}" > $d/DEBIAN/control
	printf '#!/bin/sh\necho %s %s\n' $1 $2 > $d/usr/bin/$1
	chmod 755 $d/usr/bin/$1
	echo "setting = $2" > $d/etc/$1.conf
	echo /etc/$1.conf > $d/DEBIAN/conffiles
	for i in 1 2 3 4 5 6 7 8 9; do echo "$1 $2 $i" > $d/usr/share/$1/deep/er/$i; done
	ln -s deep/er/1 $d/usr/share/$1/link
	ln $d/usr/share/$1/deep/er/2 $d/usr/share/$1/hard
	for s in preinst postinst prerm postrm; do printf '#!/bin/sh\necho "%s %s $*"\n' $1 $s > $d/DEBIAN/$s; chmod 755 $d/DEBIAN/$s; done
	printf 'interest-noawait /usr/share/never-there\n' > $d/DEBIAN/triggers
	dpkg-deb --root-owner-group -b $d /srv/repo/$1_$2_all.deb
}
make_package wbase 1.0 ''
make_package wtool 1.0 'wbase (>= 1.0)'
make_package wapp 1.0 'wtool, wbase'
echo "== dpkg"
dpkg -i /srv/repo/wbase_1.0_all.deb
dpkg -i /srv/repo/wtool_1.0_all.deb
wtool; dpkg -L wtool | LC_ALL=C sort; dpkg -S /usr/share/wtool/hard; dpkg -V wtool wbase && echo verified
dpkg -r wbase 2>&1 | tail -1 || true
dpkg -P wtool wbase
test ! -e /usr/share/wbase && test ! -e /etc/wbase.conf && echo purged
echo "== apt"
(cd /srv/repo && dpkg-scanpackages . > Packages 2>/dev/null && apt-ftparchive release . > Release)
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list
apt-get -q update
apt-get -q -y install wapp
wapp; apt-cache policy wapp; dpkg-query -W 'w*' | grep 1.0
echo "== upgrade"
echo 'setting = changed by hand' > /etc/wbase.conf
make_package wbase 2.0 ''
make_package wtool 2.0 'wbase (>= 2.0)'
(cd /srv/repo && dpkg-scanpackages -m . > Packages 2>/dev/null && apt-ftparchive release . > Release)
apt-get -q update
apt-get -q -y -o Dpkg::Options::=--force-confold upgrade
wtool; wbase; cat /etc/wbase.conf; ls /etc/wbase.conf*
apt-get -q -y purge wtool
dpkg-query -W 'w*' | grep -c '[12][.]0' || true
apt-get -q -y autoremove --purge
ls /usr/share | grep -c '^w[bta]' || true
echo "== a real package, unpacked again"
dpkg-query -W hostname && cd /tmp && cp /bin/hostname /tmp/h && rm /bin/hostname && dpkg -V hostname; cp /tmp/h /bin/hostname; dpkg -V hostname && echo whole
dpkg --audit; apt-get check -q
