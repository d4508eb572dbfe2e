# Sourced: an sshd of our own on 127.0.0.1:$port, and a key of ours that it takes. Needs a root file system that may be written to.
port=2222
export HOME=/root
mkdir -p /run/sshd /root/.ssh
: > /etc/motd
rm -f /etc/update-motd.d/* # the kernel's name
chmod 700 /root /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
ssh-keygen -q -t ed25519 -N '' -f /tmp/host_key
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
cat > /tmp/sshd_config <<X
Port $port
ListenAddress 127.0.0.1
HostKey /tmp/host_key
PidFile /tmp/sshd.pid
UsePAM yes
PermitRootLogin yes
PrintMotd no
PrintLastLog no
AcceptEnv LANG_TEST
Subsystem sftp /usr/lib/openssh/sftp-server
X
printf 'Host *\n\tPort %s\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null\n\tLogLevel ERROR\n' $port > /root/.ssh/config
/usr/sbin/sshd -f /tmp/sshd_config -E /tmp/sshd.log || { cat /tmp/sshd.log; exit 1; }
for i in $(seq 600); do nc -z 127.0.0.1 $port && break; sleep 0.1; done
