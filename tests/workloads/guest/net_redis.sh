# redis over TCP: values, a pipeline, publish, and its own benchmark's checks of itself
port=$((20000 + $$ % 20000))
redis-server --port $port --bind 127.0.0.1 --save '' --daemonize no > redis.log 2>&1 &
for _ in $(seq 200); do redis-cli -p $port ping 2>/dev/null | grep -q PONG && break; sleep 0.05; done
redis-cli -p $port set key value
redis-cli -p $port get key
head -c 1000000 /dev/zero | tr '\0' x | redis-cli -p $port -x set big
redis-cli -p $port strlen big
seq 1 20000 | sed 's/.*/incrby sum &/' | redis-cli -p $port --pipe | tail -1
redis-cli -p $port get sum
redis-benchmark -p $port -n 20000 -c 50 -P 16 -q -t set,get > bench.txt && grep -c 'requests per second' bench.txt
redis-cli -p $port shutdown nosave
wait
