# What Ruby needs: native threads under one lock, fork, pipes, signals, unix sockets, files, timers, garbage collection.
require 'socket'
require 'open3'
require 'tmpdir'
require 'fileutils'
require 'digest'
require 'timeout'
require 'monitor'
require 'io/wait'
require 'pty'
require 'etc'
$stdout.sync = true

count = 0
lock = Mutex.new
20.times.map { Thread.new { 500.times { lock.synchronize { count += 1 }; Thread.pass } } }.each(&:join)
queue, results = Thread::SizedQueue.new(3), Thread::Queue.new
makers = 4.times.map { |n| Thread.new { 100.times { |i| queue << n * i } } }
taker = Thread.new { 400.times { results << queue.pop * 2 } }
(makers << taker).each(&:join)
total = 0
total += results.pop until results.empty?
monitor = Monitor.new
cond = monitor.new_cond
turn = 0
3.times.map { |n| Thread.new { 10.times { |r| monitor.synchronize { cond.wait_while { turn != r * 3 + n }; turn += 1; cond.broadcast } } } }.each(&:join)
puts "threads #{count} #{total} #{turn}"
late = begin; Timeout.timeout(0.05) { sleep 100 }; rescue Timeout::Error; 'late'; end
sleeper = Thread.new { sleep }
Thread.pass until sleeper.stop?
sleeper.raise(ArgumentError, 'woken')
woken = begin; sleeper.report_on_exception = false; sleeper.join; rescue ArgumentError => e; e.message; end
ractor = begin; $VERBOSE = nil; Ractor.new(20) { |n| (1..n).reduce(:*) }.take; end
puts "timeout #{late} #{woken} #{ractor}"

pids = 8.times.map { |i| fork { exit!(i) } }
puts "fork #{pids.map { |p| Process.wait2(p)[1].exitstatus }.join(',')}"
out, err, status = Open3.capture3('cat; echo err >&2; exit 6', stdin_data: 'x' * 200_000)
puts "open3 #{out.size} #{err.inspect} #{status.exitstatus} #{`echo hi; exit 3`.inspect} #{$?.exitstatus} #{system('false').inspect} #{system('/no/such').inspect}"
reader, writer = IO.pipe
pid = spawn({ 'V' => 'value' }, 'echo $V; pwd; umask', out: writer, chdir: '/usr', umask: 0o27, pgroup: true)
writer.close
Process.wait(pid)
puts "spawn #{reader.read.split.inspect}"
slow = spawn('sleep 100')
Process.kill(:TERM, slow)
puts "killed #{Process.wait2(slow)[1].termsig} #{Process.detach(fork { exit! 4 }).value.exitstatus}"
seen = []
trap('USR1') { seen << :usr1 }
trap('CHLD') { seen << :chld }
Process.kill(:USR1, Process.pid)
Process.wait(fork { exit! })
sleep 0.01 until seen.size >= 2
trap('CHLD', 'DEFAULT')
puts "signals #{seen.uniq.sort.inspect}"
PTY.spawn('stty size; test -t 0 && echo terminal') { |r, w, p| text = ''; begin; text << r.readpartial(100) while true; rescue Errno::EIO; end; puts "pty #{text.split.inspect}" }

%w[/tmp/ruby /work/ruby].each do |d|
  FileUtils.mkdir_p("#{d}/a/b")
  100.times { |i| File.write("#{d}/a/#{i}", "#{i} " * i) }
  File.symlink('a/5', "#{d}/l")
  File.link("#{d}/a/6", "#{d}/h")
  FileUtils.cp_r("#{d}/a", "#{d}/c")
  File.open("#{d}/f", 'w+') { |f| f.flock(File::LOCK_EX); f.seek(9999); f.write('e'); f.truncate(20_000); f.fsync; IO.copy_stream("#{d}/a/99", f) }
  File.utime(1e9, 1.5e9, "#{d}/f")
  File.chmod(0o604, "#{d}/f")
  s = File.stat("#{d}/f")
  puts "files #{Dir["#{d}/**/*"].size} #{Digest::SHA256.hexdigest(Dir["#{d}/c/*"].sort.map { |p| File.file?(p) ? File.read(p) : '' }.join)[0, 16]} #{s.size} #{s.mtime.to_i} #{s.mode.to_s(8)} #{File.stat("#{d}/h").nlink} #{File.realpath("#{d}/l")}"
  FileUtils.rm_r(d)
  puts "gone #{File.exist?(d)}"
end

File.delete('/tmp/ruby.sock') if File.exist?('/tmp/ruby.sock')
server = UNIXServer.new('/tmp/ruby.sock')
echo = Thread.new { 10.times { c = server.accept; Thread.new { c.write(c.read.reverse); c.close } } }
got = 10.times.map { |i| Thread.new { UNIXSocket.open('/tmp/ruby.sock') { |c| c.write("#{i}ab"); c.close_write; c.read } } }.map(&:value)
echo.join
a, b = UNIXSocket.pair
a.send_io(File.open('/etc/hostname'))
puts "sockets #{got.inspect} #{b.recv_io.read.strip} #{b.wait_readable(0.02).inspect} #{begin; b.read_nonblock(1); rescue IO::WaitReadable; 'again'; end}"
50.times { Array.new(5000) { |i| "garbage #{i}" } }
GC.start
GC.compact if GC.respond_to?(:compact)
puts "gc #{GC.count > 1} #{Etc.getlogin.class} #{Etc.getpwuid.name} #{Process.clock_gettime(Process::CLOCK_MONOTONIC) > 0}"
begin
  (deep = ->(n) { deep.(n + 1) + 1 }).(0)
rescue SystemStackError
  puts 'deep'
end
at_exit { puts 'at exit'; exit 8 }
