# redis.sh DIR: redis on a unix socket, with its dump (RDB, by fork) and its log (AOF, rewritten by fork), each read back.
set -e
d=$1/redis s=/tmp/redis.sock
rm -rf "$d"
mkdir "$d"
cli() { redis-cli -s $s "$@"; }
start() {
	redis-server --port 0 --unixsocket $s --dir "$d" --daemonize yes --logfile "$d/log" --pidfile "$d/pid" --save '' --aof-use-rdb-preamble yes "$@"
	for i in $(seq 600); do [ "$(cli ping 2>/dev/null)" = PONG ] && return; sleep 0.1; done
	cat "$d/log"
	exit 1
}
gone() { for i in $(seq 600); do kill -0 $1 2>/dev/null || return 0; sleep 0.1; done; exit 1; }
start --appendonly no
seq 1 20000 | sed 's/.*/SET key:& value:&/' | cli --pipe | tail -1
cli set counter 10; cli incrby counter 32; cli lpush list a b c; cli lrange list 0 -1; cli hset h f 1 g 2; cli zadd z 3 c 1 a 2 b; cli zrange z 0 -1 withscores
cli eval 'local s = 0 for i = 1, 100 do s = s + i end return {s, redis.call("get", KEYS[1])}' 1 counter
cli bgsave
for i in $(seq 600); do cli info persistence | grep -q 'rdb_bgsave_in_progress:0' && break; sleep 0.1; done
cli info persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
p=$(cat "$d/pid"); kill -9 $p; gone $p
start --appendonly no
cli dbsize; cli get counter; cli get key:777
cli shutdown nosave 2>/dev/null || true
rm -f "$d/dump.rdb"
for i in $(seq 600); do [ -e "$d/pid" ] || break; sleep 0.1; done
start --appendonly yes --appendfsync always
for i in $(seq 1 200); do echo "RPUSH log entry-$i"; done | cli | tail -1
cli bgrewriteaof
for i in $(seq 600); do cli info persistence | grep -q 'aof_rewrite_in_progress:0' && break; sleep 0.1; done
cli rpush log after; cli info persistence | grep -o 'aof_last_bgrewrite_status:[a-z]*'
(cli --csv subscribe news > "$d/news" 2>/dev/null & echo $! > "$d/sub")
for i in $(seq 600); do [ "$(cli publish news text)" = 1 ] && break; sleep 0.1; done
sleep 0.2; kill $(cat "$d/sub"); tail -1 "$d/news"
(sleep 0.3; cli lpush blocked now >/dev/null 2>&1) & cli blpop blocked 60
p=$(cat "$d/pid"); kill -9 $p; gone $p
start --appendonly yes
cli llen log; cli lindex log -1
redis-benchmark -s $s -q -n 2000 -c 20 -t set,get,lpush,mset -P 4 | tr '\r' '\n' | grep -c 'requests per second'
cli config set save '60 1'; p=$(cat "$d/pid"); kill -TERM $p; gone $p
grep -c 'ready to exit' "$d/log"; ls "$d" | grep -c dump.rdb
rm -rf "$d"
