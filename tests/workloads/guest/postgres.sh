# postgres.sh DIR [TRANSACTIONS]: initdb, a server on a unix socket only, pgbench, a crash and its recovery.
set -e
d=$1/pg n=${2:-100}
rm -rf "$d"
mkdir "$d"
chown postgres:postgres "$d"
cat > /tmp/pg.sh <<X
set -e
PATH=/usr/lib/postgresql/15/bin:\$PATH
export PGHOST=/tmp PGDATABASE=bench PGDATA=$d/data
initdb -A trust -E UTF8 --locale=C.UTF-8 >$d/initdb.log 2>&1 || { cat $d/initdb.log; exit 1; }
cat >> \$PGDATA/postgresql.conf <<Y
listen_addresses = ''
unix_socket_directories = '/tmp'
shared_buffers = 32MB
max_connections = 30
autovacuum_naptime = 1s
Y
start() { pg_ctl -s -w -t 120 -l $d/log start || { cat $d/log; exit 1; }; }
start
psql -qAt -d postgres -c 'CREATE DATABASE bench'
pgbench -q -i -s 1 >/dev/null 2>&1
pgbench -n -c 4 -j 2 -t $n > $d/bench 2>&1 || { cat $d/bench; tail -20 $d/log; exit 1; }
grep -E 'number of transactions actually|failed' $d/bench
psql -qAt <<Y
SELECT count(*) FROM pgbench_history;
SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history), (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(tbalance) FROM pgbench_tellers);
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT count(*), sum(aid::bigint) FROM pgbench_accounts WHERE abalance IS NOT NULL;
CREATE INDEX CONCURRENTLY x ON pgbench_accounts (abalance, aid);
SELECT count(DISTINCT aid) FROM pgbench_accounts;
COPY (SELECT aid FROM pgbench_accounts ORDER BY aid LIMIT 3) TO STDOUT;
CREATE TABLE words AS SELECT md5(i::text) AS w FROM generate_series(1, 20000) i;
SELECT min(w), max(w) FROM words;
SELECT pg_advisory_lock(7); LISTEN news; NOTIFY news, 'text'; SELECT pg_advisory_unlock(7);
Y
(psql -qAt -c 'SELECT pg_sleep(60)' > $d/cancelled 2>&1 || true) &
sleep 0.5
psql -qAt -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()"
wait \$!
cat $d/cancelled
kill -9 \$(head -1 \$PGDATA/postmaster.pid) # the postmaster: its children see it by the closed pipe or by the signal of their parent's death
i=0; while ps -u postgres -o args= | grep -q '^postgres: ' && [ \$i -lt 600 ]; do sleep 0.1; i=\$((i + 1)); done
start
grep -c 'was not properly shut down' $d/log
psql -qAt -c 'SELECT count(*) FROM pgbench_history'
psql -qAt -c 'VACUUM FULL' -c 'SELECT count(*) FROM words'
pg_dump -t words | grep -c '^[0-9a-f]\{32\}\$'
pg_ctl -s -w stop -m fast
tail -1 $d/log | grep -o 'database system is shut down'
X
chown postgres /tmp/pg.sh
runuser -u postgres -- sh /tmp/pg.sh
rm -rf "$d"
