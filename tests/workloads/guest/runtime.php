<?php
// What PHP needs: files and streams, processes with pipes, unix sockets, sqlite, locks, signals by child processes.
error_reporting(E_ALL);
function out($name, ...$v) { echo $name, ' ', json_encode($v), "\n"; }
out('sapi', PHP_SAPI, PHP_OS, php_uname('n'));
foreach (['/tmp/php', '/work/php'] as $d) {
	mkdir("$d/a/b", 0750, true);
	for ($i = 0; $i < 100; $i++) file_put_contents("$d/a/$i", str_repeat("$i,", $i), LOCK_EX);
	$sum = 0;
	foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($d, FilesystemIterator::SKIP_DOTS)) as $f) $sum += $f->getSize();
	rename("$d/a/7", "$d/a/b/seven");
	symlink('a/8', "$d/l");
	touch("$d/t", 1000000000, 1000000001);
	$s = stat("$d/t");
	out('files', $sum, count(scandir("$d/a")), readlink("$d/l"), $s['mtime'], $s['atime'], decoct(fileperms("$d/a") & 0777), file_get_contents("$d/a/b/seven"));
	$f = fopen("$d/lock", 'w+');
	out('flock', flock($f, LOCK_EX | LOCK_NB), flock(fopen("$d/lock", 'r'), LOCK_EX | LOCK_NB), ftruncate($f, 100), fstat($f)['size']);
	copy("$d/a/9", "$d/copy");
	$db = new PDO("sqlite:$d/db");
	$db->exec('PRAGMA journal_mode=WAL; CREATE TABLE t(i INTEGER PRIMARY KEY, s TEXT)');
	$db->beginTransaction();
	$q = $db->prepare('INSERT INTO t(s) VALUES (?)');
	for ($i = 0; $i < 500; $i++) $q->execute([md5((string)$i)]);
	$db->commit();
	out('sqlite', $db->query('SELECT count(*), max(s), min(s) FROM t')->fetch(PDO::FETCH_NUM));
	$db = null;
	out('glob', count(glob("$d/db*")) > 0, glob("$d/c*") == ["$d/copy"]);
}
$p = proc_open('cat; echo err >&2; exit 3', [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
fwrite($pipes[0], str_repeat('q', 50000));
fclose($pipes[0]);
out('proc', strlen(stream_get_contents($pipes[1])), stream_get_contents($pipes[2]), proc_close($p));
exec('echo one; echo two; exit 4', $lines, $status);
out('exec', $lines, $status, trim(shell_exec('echo $((6 * 7))')), strlen(`seq 1 1000`));
@unlink('/tmp/php.sock');
$server = stream_socket_server('unix:///tmp/php.sock');
$pid = pcntl_fork();
if ($pid == 0) {
	$c = stream_socket_client('unix:///tmp/php.sock');
	fwrite($c, "hello\n");
	$answer = fgets($c);
	exit($answer == "HELLO\n" ? 11 : 12);
}
$c = stream_socket_accept($server, 60);
fwrite($c, strtoupper(fgets($c)));
fclose($c);
pcntl_waitpid($pid, $status);
out('socket', pcntl_wexitstatus($status));
pcntl_async_signals(true);
$seen = [];
pcntl_signal(SIGUSR1, function ($n) use (&$seen) { $seen[] = $n; });
pcntl_signal(SIGALRM, function ($n) use (&$seen) { $seen[] = $n; });
posix_kill(posix_getpid(), SIGUSR1);
pcntl_alarm(1);
for ($i = 0; $i < 200 && count($seen) < 2; $i++) usleep(50000);
out('signals', $seen, posix_getpwuid(0)['name'], posix_getuid());
[$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
fwrite($a, 'x');
$r = [$b]; $w = null; $e = null;
out('select', stream_select($r, $w, $e, 5), fread($b, 10));
out('generators', array_sum(iterator_to_array((function () { for ($i = 0; $i < 10000; $i++) yield $i; })())), strlen(random_bytes(16)), hash('sha256', str_repeat('a', 1000000)));
$t = hrtime(true);
usleep(20000);
out('time', hrtime(true) - $t >= 20000000);
exit(9);
