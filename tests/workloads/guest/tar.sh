# tar and back below $1, compared in all that tar keeps.
umask 022
cd "$1" && mkdir t && cd t || exit 1
mkdir -p src/d/e src/empty && cd src
seq 1 30000 > big; echo small > d/small; ln big hard; ln -s d/small soft; ln -s nowhere dangling; truncate -s 3M hole; printf x | dd of=hole bs=1 seek=2000000 conv=notrunc status=none
mkfifo fifo; touch -d '1999-12-31 23:59:59' old; chmod 4755 d/small; chmod 1777 empty; chown 1000:1001 old; touch "name with space" "$(printf 'new\nline')" "ünïcode" -- -dash
i=0; while [ $i -lt 300 ]; do echo $i > d/e/f$i; i=$((i + 1)); done
find . -exec touch -h -d '2010-10-10 10:10:10.123456789' {} +; cd ..
tar --sort=name -cf a.tar src && tar -tvf a.tar | sha256sum
for z in z j; do mkdir out$z; tar -c${z}f a.tar.$z src && tar -x${z}f a.tar.$z -C out$z && diff -r --no-dereference src out$z/src > /dev/null 2>&1; echo "diff $?"; done
(cd src && find . -printf '%p %y %m %U %G %s %n %l %T@\n' | grep -v ' d ' | sort) > want; (cd outz/src && find . -printf '%p %y %m %U %G %s %n %l %T@\n' | grep -v ' d ' | sort) > got; wc -l < want
sed 's/\.[0-9]*$//' want > w; sed 's/\.[0-9]*$//' got > g; diff w g; echo "listing $?"
tar -cf - -S src | tar -xf - --to-command='cat > /dev/null'; echo $?; tar -C /usr/lib/python3 -cf - . | tar -tf - | sort | sha256sum; tar --delete -f a.tar src/big; tar -df a.tar src/old; echo $?; tar -rf a.tar want; tar -tf a.tar | tail -1
cd .. && rm -rf t && ls
