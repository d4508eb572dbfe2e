# Small commands with output that does not depend on the machine. Run in an empty writable folder.
umask 022
mkdir d && cd d || exit 1
say() { echo "== $*"; }
say files
seq 1 20 > a; cp a b; cp -p a c; ln a hard; ln -s a soft; ln -s nowhere dangling; mkfifo fifo; mkdir -p x/y/z; touch -d '2001-02-03 04:05:06.789' a
touch -h -d '1999-01-02 03:04:05.5' b soft dangling fifo x; stat -c '%n %F %s %a %h %U %y' a b hard soft dangling fifo; stat -c '%n %F %a %h' x
ls -la --time-style=+%Y x | sed 's/^total.*//' | awk '{print $1, $2, $3, $4, $6, $7}' | sed 's/ 20[0-9][0-9]//'
ls -F | cat; ls -i a hard | awk '{print $1}' | uniq | wc -l
readlink soft; readlink -f x/y/../../soft | sed 's,.*/d/,,'; realpath --relative-to=x a; basename /a/b.c .c; dirname /a/b.c
mv b x/y/; rm hard; stat -c %h a; rmdir x 2>/dev/null || echo "not empty"; rm -r x && ls -d x 2>&1
chmod 640 a && stat -c %a a; chmod u+s,g-r a && stat -c %a a; chown 12:34 a && stat -c '%u %g %a' a; chgrp 5 c && stat -c %g c
truncate -s 1M hole; stat -c '%s %b' hole; dd if=/dev/zero of=dd bs=4k count=3 seek=1 conv=notrunc status=none; cksum dd; wc -c < dd
cp --sparse=always hole hole2; cmp hole hole2 && echo same; fallocate -l 8192 fa 2>&1 && stat -c %s fa; install -m 700 c inst; stat -c %a inst
mktemp tmp.XXXXXX | wc -c; touch -r a -m c; test c -nt a || echo "not newer"; test a -ef a && echo ef; du -b --apparent-size hole
sync; df . | wc -l; mknod pipe p; stat -c %F pipe
say text
sort -rn a | head -3; tail -n 2 a; tail -c +50 a; cut -c1 a | uniq -c | tr -s ' '; tac a | head -1; rev a | head -2; nl a | tail -1; paste -sd+ a; expand -t4 a | od -An -c | head -2
tr 0-9 a-j < a | xargs -n 7; fold -w 10 <<X
a rather long line that is folded
X
join a c | wc -l; comm -12 a c | wc -l; pr -t -3 a | head -2; fmt -w 20 <<X
words that are put together again in lines of twenty
X
md5sum a; sha1sum a; sha512sum a | cut -c1-20; b2sum a | cut -c1-20; base64 a | head -1; base32 a | head -1; sum a; od -x a | tail -2; xxd a 2>/dev/null | head -1
split -l 6 a part; ls part*; csplit -s a 5 10; ls xx*; ptx -A <<X | head -1
one two
X
printf '%05d|%-5s|%x|%e|%q\n' 42 ab 255 1.5 'a b'; echo -e 'a\tb'; seq -w 8 11; seq 1 .5 2; factor 1234567890; expr 6 \* 7; numfmt --to=iec 123456; echo $((0x10 + 010)); tsort <<X
a b b c
X
grep -c 1 a; grep -n '^1.$' a | head -2; sed -n '2,3p;5s/5/five/p' a; awk '{s+=$1} END {print s}' a; awk 'BEGIN {while (("echo x; echo y" | getline l) > 0) print "got " l; print strftime("%Y", 0, 1); system("echo sys")}'
diff a c; sed 's/^5$/V/' a > e; diff a e; diff -u a e | tail -n +3; patch -s c < /dev/null; cmp a e; look 2>/dev/null; column -c 40 a 2>/dev/null | head -2
say system
echo "$PWD" | sed 's,.*/,,'; pwd -P | sed 's,.*/,,'; id; id -u nobody; groups; whoami; logname 2>&1; tty; uname -s; uname -m; hostname; nproc | grep -c .; arch; date -u -d @86400 +%F; date -d '2020-02-30' 2>&1; printenv HOME; env -i A=1 env
true; echo $?; false; echo $?; sleep 0.01; timeout 0.1 sleep 5; echo $?; timeout -s KILL 0.1 sleep 5; echo $?; nice -n 5 nice; nohup true; stdbuf -oL echo buf; chroot . true 2>&1; stty 2>&1; test -t 0; echo $?; yes | head -2; tee t1 t2 < a | wc -l; cmp t1 t2
kill -l 9; kill -0 $$ && echo alive; (ulimit -n 20; ulimit -n); (ulimit -f 1; dd if=/dev/zero of=big bs=1k count=20 2>/dev/null; echo $?; wc -c < big); sh -c 'kill -SEGV $$'; echo $?; sh -c 'kill -9 $$'; echo $?; pathchk -p 'a b'; echo $?
echo a > /dev/full; echo $?; head -c 5 /dev/zero | od -An -tx1; cat nonexistent; cat .; ls -l /dev/null | cut -c1; echo x > /nope/x; rm nonexistent; rmdir a; mkdir d/e; cp a a; mv a nonexistent/; ln a a; cd nonexistent; ./a; : > /usr/x
flock a echo locked; shuf -i 1-1; getopt -o ab: -- -a -b x y; setsid -w echo session; runcon 2>&1 | head -1; rename 2>/dev/null; dircolors | head -1 | cut -c1-8; link a lnk; unlink lnk; shred -u -n 1 t1; ls t1
say done
cd .. && rm -r d
