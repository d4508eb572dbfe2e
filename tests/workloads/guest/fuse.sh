# fuse.sh bindfs|squashfuse|overlay|sshfs: a file server of Debian's (libfuse3), mounted, used by ordinary programs, unmounted.
set -e
umask 022
m=/tmp/m s=/tmp/s
mkdir $m $s
kind() { findmnt -n -o FSTYPE "$1"; }
gone() { # the server has ended
	i=0
	while pgrep -x "$1" >/dev/null && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
	pgrep -x "$1" || echo "$1 ended"
}

# What is done in a directory that is served; what it shows is the same on each kind.
use() {
	cd "$1"
	mkdir -p a/b/c && echo text > a/b/c/file && cat a/b/c/file
	seq 1 100000 > numbers && sha256sum numbers && wc -l < numbers && tail -n1 numbers
	echo more >> numbers && tail -n1 numbers && stat -c '%s %a %h %F' numbers
	truncate -s 10 numbers && cat numbers && echo "|"
	ln -s a/b link && readlink link && ls link
	ln a/b/c/file hard 2>/dev/null && stat -c %h hard && rm hard || echo no hard links
	mv a/b/c/file moved && mv a renamed && find . | LC_ALL=C sort
	chmod 640 moved && touch -d '2020-02-02 02:02:02 UTC' moved && stat -c '%a %Y' moved
	(umask 0; install -m 444 moved readonly) && stat -c %a readonly && cat readonly
	for i in $(seq 300); do echo $i > file-$i; done
	ls | wc -l && cat file-* | wc -c && ls -l | awk '{ s += $5 } END { print s > 0 }'
	rm file-* && ls
	mkfifo pipe 2>/dev/null && { echo through > pipe & cat pipe; wait; } || echo no pipes
	rm -f pipe
	dd if=/dev/zero of=big bs=1M count=8 status=none && sha256sum big && cp big copy && cmp big copy && rm big copy
	cp /bin/ls ./program && ./program -d . && rm program
	printf '#!/bin/sh\necho script $1\n' > script && chmod +x script && ./script ran && rm script
	python3 -c "
import mmap, os
f = open('mapped', 'w+b'); f.write(b'x' * 10000); f.flush()
m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); print(m[9999:], len(m)); m.close()
os.unlink('mapped'); f.seek(0); print(len(f.read()), 'of a file without a name'); f.close()
print(sorted(os.listdir('.')))"
	flock moved true && echo locked
	git init -q repository && cd repository && git config user.name a && git config user.email a@b && seq 50 | xargs -I{} sh -c 'echo {} > f{}' &&
		git add . && git commit -qm one && git fsck --strict && git status --short && git gc -q && git log --oneline | wc -l && cd .. && rm -rf repository
	sqlite3 db "create table t(i, v); begin; with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into t select i, i from n; commit; select sum(v) from t; pragma integrity_check" && rm db
	tar cf - renamed | tar tf - | LC_ALL=C sort
	rm -rf "$1"/* && ls -A && cd /
	echo used
}

case $1 in
bindfs)
	bindfs $s $m
	kind $m
	use $m
	echo behind > $s/behind && cat $m/behind && rm $m/behind && ls -A $s
	setfattr -n user.test -v value $s 2>/dev/null && getfattr --only-values -n user.test $m 2>/dev/null && echo
	df --output=fstype $m | tail -1
	fusermount3 -u $m
	gone bindfs
	# one that changes what is seen: all files are another user's, nobody writes
	echo kept > $s/kept
	bindfs -o ro -u nobody -g nogroup -p a-w $s $m
	stat -c '%U %G %a' $m/kept && cat $m/kept
	echo x 2>/dev/null > $m/kept || echo "cannot write"
	runuser -u nobody -- cat $m/kept
	umount $m
	gone bindfs
	;;
squashfuse)
	cp -a /usr/lib/python3.11/json /usr/lib/python3.11/email /usr/lib/git-core/mergetools $s/ && ln -s json/decoder.py $s/link && mkfifo $s/pipe
	seq 1 200000 > $s/large && truncate -s 3M $s/hole && setfattr -n user.a -v b $s/large
	mksquashfs $s /tmp/image -quiet -no-progress -mkfs-time 0 >/dev/null
	squashfuse /tmp/image $m
	kind $m
	diff -r $s $m --exclude pipe && echo same
	(cd $s && find . -printf '%p %y %m %U %G %s %l\n' | sort) > /tmp/one
	(cd $m && find . -printf '%p %y %m %U %G %s %l\n' | sort) > /tmp/two
	grep -v ' d ' /tmp/one > /tmp/one.f; grep -v ' d ' /tmp/two > /tmp/two.f; cmp /tmp/one.f /tmp/two.f && echo as made
	python3 -c "import sys; sys.path.insert(0, '$m'); import json; print(json.__file__, json.dumps([1, {'a': None}]))"
	getfattr --only-values -n user.a $m/large 2>/dev/null; echo
	touch $m/x 2>&1 | grep -o 'Read-only file system\|Function not implemented' || true
	umount $m
	gone squashfuse
	;;
overlay)
	mkdir $s/lower $s/upper $s/work && cd $s/lower && mkdir d && echo lower > d/file && echo kept > kept && echo gone > gone && cd /
	fuse-overlayfs -o lowerdir=$s/lower,upperdir=$s/upper,workdir=$s/work $m
	kind $m
	cat $m/d/file && echo changed > $m/d/file && cat $m/d/file $s/lower/d/file && rm $m/gone && ls $m && ls $s/lower
	rm -rf $m/d && mkdir $m/d && ls -A $m/d && echo opaque
	mkdir $m/in && use $m/in
	chown 12:34 $m/kept && stat -c '%u %g' $m/kept && stat -c '%u %g' $s/lower/kept && rmdir $m/in $m/d
	ls -A $m
	umount $m
	gone fuse-overlayfs
	;;
user) # who is not root mounts by a set-id helper, for himself alone, and in a user namespace without it
	useradd -m ann && cd ~ann && mkdir l && echo lower > l/f && chown -R ann l
	cat > /tmp/ann.sh <<X
cd; mkdir c d u w m
bindfs --no-allow-other l c; cat c/f; findmnt -n -o FSTYPE,OPTIONS c
mksquashfs l image -quiet -no-progress >/dev/null; squashfuse image d && cat d/f && fusermount3 -u d; echo \$?
X
	su ann -c 'bash /tmp/ann.sh'
	cat ~ann/c/f 2>&1 || echo root neither
	su ann -c 'cd; fusermount3 -u c; ls c; rmdir c'
	cd / && bindfs ~ann/l $m && su ann -c "cat $m/f; fusermount3 -u $m 2>&1" | sed 's/ in .*//'
	umount $m
	gone bindfs
	;;
sshfs)
	. /guest/sshd_start.sh
	sshfs -p $port -o StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,LogLevel=ERROR root@127.0.0.1:$s $m
	kind $m
	use $m
	umount $m
	gone sshfs
	;;
esac
rm -rf $s $m
echo "-- whole"
