set -o pipefail
cd /tmp
f() { local x=$1; echo "f $x $((x * 2))"; return 3; }
f 4; echo "status $?"
trap 'echo "exit trap"' EXIT
trap 'echo "usr1"' USR1
kill -USR1 $$; kill -USR1 $BASHPID
echo "sub $(echo a; echo b | tr b c; exit 5) $?"
x=$(false); echo "$?"; seq 1 100000 | false | true; echo "${PIPESTATUS[@]}"
cat <<X
here $((1 + 1)) $(echo sub)
X
cat <<< "here string"
diff <(seq 1 5) <(seq 2 6); echo $?
tee >(sed 's/^/tee: /' > teed) <<< "line" > /dev/null; wait $!; cat teed
coproc CO { while read -r l; do echo "co $l"; done; }
echo hello >&"${CO[1]}"; read -r reply <&"${CO[0]}"; echo "$reply"; co=$COPROC_PID; eval "exec ${CO[1]}>&-"; wait $co; echo "co ended $?"
declare -A map=([a]=1 [b]=2); for k in a b; do echo "$k=${map[$k]}"; done
for i in {1..5}; do (sleep 0.0$i; exit "$i") & pids[i]=$!; done
for i in {5..1}; do wait "${pids[i]}"; echo "waited $i: $?"; done
sleep 10 & p=$!; until [[ $(< /proc/$p/comm) = sleep ]]; do :; done; kill -TERM $p; wait $p; echo "killed $?"
(trap 'echo got int; exit 9' INT; kill -INT $BASHPID; echo not here); echo $?
(exec 3>log; echo to log >&3; exec 3>&-; cat log; echo x >&3) 2>&1 | sed 's/.*log/log/'
exec 4>/dev/fd/1; echo via4 >&4; exec 4>&-
read -r -t 0.2 l < <(sleep 1); echo "read timeout $(($? > 128))"
printf '%s\n' /etc/pass* ~ {a,b}{1,2} "${BASH_VERSINFO[0]}"; mkfifo ff; cat ff & echo through fifo > ff; wait; [[ abc =~ ^a(.)c$ ]] && echo "${BASH_REMATCH[1]}"
mapfile -t lines < <(seq 1 1000); echo "${#lines[@]} ${lines[999]}"; echo "${lines[@]:2:3}"
n=0; while read -r _; do n=$((n + 1)); done < <(yes | head -20000); echo $n
i=0; while [ $i -lt 200 ]; do /bin/true || echo no; i=$((i + 1)); done; echo "forked $i"
echo "deep $(echo "$(echo "$(echo "$(echo x)")")")"; r() { [ "$1" = 0 ] && echo bottom || r $(($1 - 1)); }; r 500
seq 1 3 | while read -r v; do echo "v$v" | (read -r w; echo "$w"); done | sort -r | xargs echo
bash -c 'echo $PPID' | grep -qx $$ && echo "parent right"; disown -a; set -m; sleep 0.1 & jobs | sed 's/  */ /g'; wait; fg 2>&1; kill -9 $BASHPID & wait $!; echo $?
wait 99999; echo $?; ulimit -c; umask; type cd; hash -r; command -v ls; test -r /etc/shadow && echo readable
