# sshd and its clients over loopback: commands, terminals, users, files, forwarding, a shared connection, refusals.
. /guest/sshd_start.sh
useradd -m -s /bin/bash ann
mkdir -p /home/ann/.ssh && cp /root/.ssh/authorized_keys /home/ann/.ssh/ && chown -R ann: /home/ann/.ssh && chmod 700 /home/ann/.ssh
echo "-- command"; ssh 127.0.0.1 'id -un; pwd; tty; echo out; echo err >&2; exit 7' 2>&1; echo "status $?"
echo "-- user"; ssh ann@127.0.0.1 'id; echo $HOME $SHELL $USER; umask; cat /etc/shadow 2>&1; ls -ld ~ | cut -c1-10; echo ${SSH_CONNECTION%% *}'
echo "-- input"; seq 1 200000 | ssh ann@127.0.0.1 sha256sum; seq 1 200000 | sha256sum
echo "-- output"; ssh ann@127.0.0.1 'seq 1 300000' | sha256sum
echo "-- terminal"; ssh -tt ann@127.0.0.1 'tty | sed s,[0-9]*$,N,; test -t 0 && echo yes; stty -a | grep -o " echo "; who | wc -l' </dev/null 2>/dev/null | tr -d '\r'
echo "-- environment"; LANG_TEST=x ssh -o SendEnv=LANG_TEST 127.0.0.1 'echo $LANG_TEST'
echo "-- scp"; seq 1 50000 > /tmp/f; scp -q /tmp/f ann@127.0.0.1:g && cmp /tmp/f /home/ann/g && stat -c %U /home/ann/g; scp -qr ann@127.0.0.1:/etc/security /tmp/ && diff -r /etc/security /tmp/security && echo same
echo "-- sftp"; printf 'cd /home/ann\nmkdir d\nput /tmp/f d/h\nrename d/h d/i\nchmod 600 d/i\nls -1 d\nrm d/i\nrmdir d\n' | sftp -q -b - ann@127.0.0.1 | grep -v '^sftp>'
echo "-- forwarded"
nc -l 127.0.0.1 5555 > /tmp/got & server=$!
ssh -f -N -L 6666:127.0.0.1:5555 127.0.0.1 && for i in $(seq 100); do ss -Hltn | grep -q 127.0.0.1:5555 && break; sleep 0.05; done
echo through | nc -N 127.0.0.1 6666; wait $server; cat /tmp/got
echo "-- shared"; ssh -M -S /tmp/control -f -N 127.0.0.1; for i in 1 2 3; do ssh -S /tmp/control 127.0.0.1 echo $i; done; ssh -S /tmp/control -O exit 127.0.0.1 2>&1
echo "-- agent"; eval $(ssh-agent) >/dev/null; ssh-add -q /root/.ssh/id_ed25519; ssh -A 127.0.0.1 'ssh-add -l | cut -d" " -f1,4'; kill $SSH_AGENT_PID
echo "-- many"; for i in 1 2 3 4 5 6; do ssh ann@127.0.0.1 "sleep 0.$i; echo $i" & done | sort; wait
echo "-- refused"; ssh -o BatchMode=yes -o IdentityFile=/dev/null -o IdentitiesOnly=yes ann@127.0.0.1 true 2>&1 | grep -o 'Permission denied'; ssh -o BatchMode=yes nobody2@127.0.0.1 true 2>&1 | grep -o 'Permission denied'; ssh -p 1 127.0.0.1 2>&1 | grep -o 'Connection refused'
echo "-- signal"; ssh -tt 127.0.0.1 'kill -TERM $$; sleep 5' </dev/null >/dev/null 2>&1; echo "status $?"
echo "-- end"; kill $(cat /tmp/sshd.pid); for i in $(seq 300); do nc -z 127.0.0.1 $port || break; sleep 0.1; done; grep -c 'Accepted publickey for ann' /tmp/sshd.log; grep -ci 'error\|fatal' /tmp/sshd.log
echo "-- whole"
