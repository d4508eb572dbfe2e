# Users and rights: useradd, passwd, su, sudo, chage, setpriv, file capabilities, with the PAM modules of Debian.
export DEBIAN_FRONTEND=noninteractive
useradd -m -s /bin/bash -c 'Ann Other' ann && useradd -m -s /bin/sh bob && groupadd staff2 && usermod -aG staff2 bob
echo 'ann:secret1' | chpasswd && echo 'bob:secret2' | chpasswd
getent passwd ann bob; id bob; passwd -S ann | cut -d' ' -f1,2; grep -c '^ann:\$y\$' /etc/shadow; chage -l ann | tail -3
echo "-- su"; su - ann -c 'id; pwd; echo $HOME $SHELL $PATH; umask'; su bob -s /bin/bash -c 'id -Gn; exec 2>&1; cat /etc/shadow'; su ann -c 'exit 3'; echo "status $?"
cat > /tmp/ask.py <<'X'
import os, pty, re, select, sys, time
# ask.py SECRET COMMAND...: answers each question for a password; what came out, and the status
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
out, asked = b"", 0
while True:
    try:
        data = os.read(fd, 1000)
    except OSError:
        break
    if not data:
        break
    out += data
    if len(re.findall(rb"assword[^:\n]*: ", out)) > asked:
        asked += 1
        time.sleep(0.3)
        os.write(fd, sys.argv[1].encode() + b"\n")
print(re.sub(r"\[sudo\] ", "", out.decode().replace("\r", "")).strip(), "| asked", asked, "status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
X
chmod 755 /tmp/ask.py
echo "-- su with a password"; su bob -c "python3 /tmp/ask.py secret1 su ann -c id"; su bob -c "python3 /tmp/ask.py wrong su ann -c id"
echo "-- passwd"; su ann -c "python3 /tmp/ask.py secret1 passwd" | tail -1 | sed 's/.*| asked/asked/'
echo "-- sudo"
printf 'Defaults !lecture, passwd_tries=1\nann ALL=(ALL:ALL) NOPASSWD: ALL\nbob ALL=(ann) /usr/bin/id, /bin/cat\n' > /etc/sudoers.d/test && chmod 440 /etc/sudoers.d/test && visudo -c -q && echo valid
su - ann -c 'sudo id -u; sudo -u bob id -un; sudo -u bob -g staff2 id -gn; sudo sh -c "echo \$SUDO_USER \$HOME \$USER"; A=1 sudo env | grep -c ^A=; sudo -n true; echo $?; sudo -E A=1 sh -c "exit 5"; echo $?'
su bob -c "python3 /tmp/ask.py secret2 sudo -u ann id -un"; su bob -c "python3 /tmp/ask.py secret2 sudo -k id"; su bob -c 'sudo -n true 2>&1'
su ann -c 'echo piped | sudo cat; sudo -b sleep 0.1; sudo sh -c "kill -TERM \$\$"; echo $?'
echo "-- setpriv"; setpriv --reuid=ann --regid=ann --clear-groups --no-new-privs sudo true 2>&1 | head -1; setpriv --reuid=ann --regid=ann --init-groups --inh-caps=-all --bounding-set=-all grep -E 'Cap(Prm|Bnd)|NoNew' /proc/self/status; setpriv --reuid=ann --regid=ann --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status; setpriv --dump | head -4
echo "-- capabilities"; cp /usr/bin/python3.11 /opt/py && setcap cap_net_bind_service,cap_chown+ep /opt/py && getcap /opt/py && su ann -c '/opt/py -c "import socket,os; s=socket.socket(); s.bind((\"127.0.0.1\",80)); open(\"/tmp/mine\",\"w\"); os.chown(\"/tmp/mine\",0,0); print(os.stat(\"/tmp/mine\").st_uid)"'
capsh --print | grep -E '^(uid|gid)'; capsh --drop=cap_chown --user=ann -- -c 'id -un; grep CapBnd /proc/self/status | grep -c "e$"'
echo "-- left"; userdel -r bob 2>/dev/null; getent passwd bob || echo no bob; ls /home; su - nosuch -c true; echo $?
echo "-- whole"
