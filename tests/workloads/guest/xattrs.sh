# xattrs.sh DIR: extended attributes, ACLs and capabilities of files, and tar and cp that keep them.
set -e
acls() { find t | LC_ALL=C sort | xargs getfacl -n; }
d=$1/xattrs; rm -rf $d; mkdir -p $d/t/sub; cd $d/t
echo text > f; ln -s f l; mkfifo p
setfattr -n user.one -v value f; setfattr -n user.two -v 0x00010203ff f; [ $1 = /work ] || setfattr -n trusted.three -v t f; setfattr -n user.dir -v 'of a directory' sub
getfattr -d -m - -e hex f sub | LC_ALL=C sort; getfattr -n user.none f 2>&1 || true; setfattr -x user.two f && getfattr -d f; setfattr -n user.x -v y -h l 2>&1 || true; setfattr -n bad.space -v y f 2>&1 || true; setfattr -n user.x -v y p 2>&1 || true
setfacl -m u:12:rwx,g:34:r-x,m::rw- f; setfacl -d -m u:12:rwx,o::- sub; setfacl -m u:12:rwx sub; getfacl -n f sub; mkdir sub/in; echo > sub/in/file; getfacl -n sub/in sub/in/file; ls -ld f sub | cut -c1-11
chmod 600 f; getfacl -n f | grep -E 'mask|user:12'; setfacl -b f; getfacl -n f
setcap cap_net_raw+ep f; getcap f
cp -a f copy; getfattr -d -m - copy | sort; cp f plain; getfattr -d -m - plain; mv f ../moved; getfattr -d ../moved; mv ../moved f
cd ..
for o in --xattrs --acls '--xattrs --acls --xattrs-include=*'; do
	tar cf x.tar $o t; rm -rf out; mkdir out; tar xf x.tar -C out $o; (cd out && getfattr -R -d -m - -e hex t 2>/dev/null | LC_ALL=C sort; acls) | sha256sum; done
(getfattr -R -d -m - -e hex t 2>/dev/null | LC_ALL=C sort; acls) | sha256sum
getfattr -R --dump -m user t > dump; setfattr -x user.one t/f; setfattr --restore=dump; getfattr --only-values -n user.one t/f; echo
acls > acls; setfacl -R -b t; setfacl --restore=acls; acls | cmp - acls && echo restored
python3 -c "
import os
for i in range(20): os.setxattr('t/f', f'user.n{i}', b'v' * i)
print(sorted(os.listxattr('t/f'))[:5], len(os.listxattr('t/f')))
try: os.setxattr('t/f', 'user.n1', b'', os.XATTR_CREATE)
except OSError as e: print(e.errno)
try: os.setxattr('t/f', 'user.no', b'', os.XATTR_REPLACE)
except OSError as e: print(e.errno)
try: os.setxattr('t/f', 'user.' + 'n' * 255, b'')
except OSError as e: print(e.errno)
"
cd /; rm -rf $d
echo "-- whole"
