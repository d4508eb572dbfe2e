# rsync DIR: copies of trees with all attributes, differences, deletion, sparse and in-place files, a daemon.
set -e
d=$1/rsync; rm -rf $d; mkdir -p $d/a; cd $d
cp -a /usr/lib/python3.11/email a/; mkdir a/deep a/empty; ln a/email/parser.py a/deep/hard; ln -s ../email a/deep/link; mkfifo a/pipe; truncate -s 5M a/hole; seq 1 100000 > a/seq; chmod 4755 a/seq; chown 12:34 a/seq; touch -d 2001-01-01T01:01:01.123456789Z a/seq
touch -h -d 2001-02-03 a/deep/link a/pipe # rsync looks at whole seconds of these
setfattr -n user.note -v text a/seq; setfacl -m u:33:r a/email 2>/dev/null || true
show() { (cd $1 && find . -printf '%p %y %m %U %G %n %s %T@ %l\n' | grep -v ' d .* [0-9]* [0-9.]* $' | LC_ALL=C sort; getfattr -R -d . 2>/dev/null | sort) | sha256sum; }
rsync -aHAX --numeric-ids a/ b/ && diff -r --no-dereference --exclude pipe a b && [ "$(show a)" = "$(show b)" ] && echo equal
[ $(stat -c %i b/email/parser.py) = $(stat -c %i b/deep/hard) ] && getfattr --only-values -n user.note b/seq && echo
rsync -aHAXn --itemize-changes a/ b/ && echo nothing to do
echo more >> a/seq; rm a/email/parser.py; echo new > a/new; chmod 600 a/email/base64mime.py; touch -d 2002-02-02 a a/email
rsync -aHAX --delete --itemize-changes a/ b/; [ "$(show a)" = "$(show b)" ] && echo equal again
rsync -aS a/hole sparse && stat -c %b sparse; echo x | dd of=a/hole bs=1 seek=2M conv=notrunc status=none; rsync -aI --inplace --no-whole-file --stats a/hole b/hole | grep -E 'Literal|Matched'; cmp a/hole b/hole
rsync -a --link-dest=$d/b a/ c/ && [ $(stat -c %i b/new) = $(stat -c %i c/new) ] && echo linked
rsync -a --bwlimit=20000 --partial --compress --checksum a/email/ e/ && diff -r a/email e && echo compressed
printf 'port = 8730\naddress = 127.0.0.1\nuse chroot = yes\nuid = 0\ngid = 0\n[tree]\npath = %s/a\nread only = no\n[closed]\npath = %s\nhosts deny = *\n' $d $d > conf
rsync --daemon --config=$d/conf --no-detach --log-file=/dev/null & p=$!
i=0; until nc -z 127.0.0.1 8730 || [ $i = 200 ]; do sleep 0.05; i=$((i + 1)); done
rsync rsync://127.0.0.1:8730/ | tr -s ' \t' ' '; rsync -aHX rsync://127.0.0.1:8730/tree/ f/ && diff -r --no-dereference --exclude pipe a f && echo served; echo up > up; rsync up rsync://127.0.0.1:8730/tree/ && cat a/up
rsync rsync://127.0.0.1:8730/closed/ 2>&1 | grep -o 'Unknown module\|access denied' || true
kill $p; wait $p || true; rm -rf $d
echo "-- whole"
