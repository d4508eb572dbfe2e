// What the Java virtual machine needs: the just-in-time compiler, safepoints and null checks by SIGSEGV, G1 on several
// threads, monitors, parking, executors, processes, mapped files, unix sockets, the watcher of files.
import java.io.*;
import java.lang.management.ManagementFactory;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.concurrent.locks.*;
import java.util.stream.*;

public class Storm {
	static int[] nothing;

	static long threads() throws Exception {
		AtomicLong sum = new AtomicLong();
		Object monitor = new Object();
		int[] plain = new int[1];
		List<Thread> all = new ArrayList<>();
		for (int t = 0; t < 50; t++) {
			int n = t;
			Thread thread = new Thread(() -> {
				for (int i = 0; i < 2000; i++) {
					sum.addAndGet(i ^ n);
					synchronized (monitor) { plain[0]++; }
				}
			});
			thread.start();
			all.add(thread);
		}
		for (Thread thread : all) thread.join();
		return sum.get() + plain[0];
	}

	static String locks() throws Exception {
		ReentrantLock lock = new ReentrantLock(true);
		Condition turn = lock.newCondition();
		int[] at = new int[1];
		CountDownLatch done = new CountDownLatch(8);
		for (int t = 0; t < 8; t++) {
			int me = t;
			new Thread(() -> {
				for (int round = 0; round < 20; round++) {
					lock.lock();
					try {
						while (at[0] % 8 != me) turn.await();
						at[0]++;
						turn.signalAll();
					} catch (InterruptedException e) { throw new RuntimeException(e);
					} finally { lock.unlock(); }
				}
				done.countDown();
			}).start();
		}
		done.await();
		Thread sleeper = new Thread(() -> {
			try { Thread.sleep(100000); at[0] = -1; } catch (InterruptedException e) { at[0]++; }
		});
		sleeper.start();
		Thread.sleep(30);
		sleeper.interrupt();
		sleeper.join();
		Exchanger<String> exchanger = new Exchanger<>();
		CompletableFuture<String> other = CompletableFuture.supplyAsync(() -> {
			try { return exchanger.exchange("from the pool"); } catch (InterruptedException e) { return null; }
		});
		String got = exchanger.exchange("from main");
		boolean late = false;
		try { new SynchronousQueue<String>().poll(20, TimeUnit.MILLISECONDS); new CompletableFuture<String>().get(20, TimeUnit.MILLISECONDS);
		} catch (TimeoutException e) { late = true; }
		return at[0] + " " + got + " " + other.get() + " " + late;
	}

	static long executors() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Future<Long>> futures = new ArrayList<>();
		for (int i = 0; i < 500; i++) {
			int n = i;
			futures.add(pool.submit(() -> LongStream.range(0, 1000).map(x -> x * n % 7).sum()));
		}
		long s = 0;
		for (Future<Long> f : futures) s += f.get();
		pool.shutdown();
		pool.awaitTermination(60, TimeUnit.SECONDS);
		ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
		CountDownLatch ticks = new CountDownLatch(10);
		timer.scheduleAtFixedRate(ticks::countDown, 1, 3, TimeUnit.MILLISECONDS);
		ticks.await();
		timer.shutdownNow();
		return s + IntStream.range(0, 1_000_000).parallel().mapToLong(i -> Integer.bitCount(i)).sum();
	}

	static String garbage() {
		Map<Integer, byte[]> keep = new HashMap<>();
		for (int i = 0; i < 60000; i++) keep.put(i % 500, new byte[1000 + i % 3000]);
		System.gc();
		return keep.size() + " " + keep.values().stream().mapToInt(b -> b.length).sum();
	}

	static String faults() {
		int caught = 0;
		for (int i = 0; i < 20000; i++) {
			try { caught += nothing[i]; } catch (NullPointerException e) { caught++; }
		}
		try { deep(0); } catch (StackOverflowError e) { caught++; }
		try { caught /= nothing == null ? 0 : 1; } catch (ArithmeticException e) { caught++; }
		return "" + caught;
	}

	static int deep(int n) { return deep(n + 1) + 1; }

	static String processes() throws Exception {
		Process p = new ProcessBuilder("sh", "-c", "cat; echo $X; exit 5").redirectErrorStream(true).start();
		p.getOutputStream().write("typed\n".getBytes());
		p.getOutputStream().close();
		String out = new String(p.getInputStream().readAllBytes()).trim();
		int status = p.waitFor();
		Process sleeper = new ProcessBuilder("sleep", "100").start();
		boolean early = sleeper.waitFor(30, TimeUnit.MILLISECONDS);
		sleeper.destroy();
		List<Process> many = new ArrayList<>();
		for (int i = 0; i < 10; i++) many.add(new ProcessBuilder("sh", "-c", "exit " + i).start());
		int sum = 0;
		for (Process q : many) sum += q.waitFor();
		String missing;
		try { new ProcessBuilder("/no/such").start(); missing = "?"; } catch (IOException e) { missing = e.getMessage(); }
		return out + " " + status + " " + early + " " + sleeper.waitFor() + " " + sum + " " + missing + " " + ProcessHandle.current().isAlive();
	}

	static String files(Path dir) throws Exception {
		Files.createDirectories(dir.resolve("a/b"));
		try (FileChannel c = FileChannel.open(dir.resolve("map"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
			for (int i = 0; i < 1 << 20; i += 4096) m.putInt(i, i);
			m.force();
			try (FileLock lock = c.lock(0, 100, false)) { c.write(ByteBuffer.wrap("head".getBytes()), 0); }
			if (m.getInt(8192) != 8192 || m.get(0) != 'h') throw new IllegalStateException("the map and the file differ");
			try (FileChannel to = FileChannel.open(dir.resolve("copy"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) { c.transferTo(0, 1 << 20, to); }
		}
		long differs = Files.mismatch(dir.resolve("map"), dir.resolve("copy"));
		Files.createSymbolicLink(dir.resolve("l"), Paths.get("copy"));
		Files.move(dir.resolve("copy"), dir.resolve("a/b/moved"), StandardCopyOption.ATOMIC_MOVE);
		Files.setPosixFilePermissions(dir.resolve("map"), java.nio.file.attribute.PosixFilePermissions.fromString("rw-r-----"));
		String names;
		try (Stream<Path> walk = Files.walk(dir)) { names = walk.map(p -> dir.relativize(p).toString()).sorted().collect(Collectors.joining(",")); }
		WatchService watch = FileSystems.getDefault().newWatchService();
		dir.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
		Files.writeString(dir.resolve("new"), "x");
		WatchKey key = watch.poll(60, TimeUnit.SECONDS);
		String event = key == null ? "none" : key.pollEvents().get(0).context().toString();
		watch.close();
		try (RandomAccessFile f = new RandomAccessFile(dir.resolve("raf").toFile(), "rw")) { f.setLength(5000); f.seek(4000); f.writeUTF("end"); }
		return differs + " " + names + " " + event + " " + Files.size(dir.resolve("raf")) + " " + Files.getAttribute(dir.resolve("map"), "unix:mode");
	}

	static String sockets() throws Exception {
		UnixDomainSocketAddress address = UnixDomainSocketAddress.of("/tmp/java.sock");
		Files.deleteIfExists(address.getPath());
		Selector selector = Selector.open();
		ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
		server.bind(address);
		server.configureBlocking(false);
		server.register(selector, SelectionKey.OP_ACCEPT);
		Thread loop = new Thread(() -> {
			try {
				for (int closed = 0; closed < 20;) {
					selector.select();
					for (Iterator<SelectionKey> i = selector.selectedKeys().iterator(); i.hasNext(); i.remove()) {
						SelectionKey k = i.next();
						ByteBuffer b = ByteBuffer.allocate(4096);
						if (k.isAcceptable()) {
							SocketChannel c = server.accept();
							if (c != null) { c.configureBlocking(false); c.register(selector, SelectionKey.OP_READ); }
						} else if (((SocketChannel)k.channel()).read(b) < 0) {
							k.channel().close();
							closed++;
						} else {
							for (b.flip(); b.hasRemaining();) ((SocketChannel)k.channel()).write(b);
						}
					}
				}
			} catch (IOException e) { e.printStackTrace(); }
		});
		loop.start();
		long n = 0;
		for (int i = 0; i < 20; i++) {
			SocketChannel c = SocketChannel.open(address);
			c.write(ByteBuffer.wrap(new byte[100 + i]));
			ByteBuffer b = ByteBuffer.allocate(100 + i);
			while (b.hasRemaining()) c.read(b);
			n += b.position();
			c.close();
		}
		loop.join();
		server.close();
		return "" + n;
	}

	public static void main(String[] args) throws Exception {
		System.out.println("threads " + threads());
		System.out.println("locks " + locks());
		System.out.println("executors " + executors());
		System.out.println("garbage " + garbage());
		System.out.println("faults " + faults());
		System.out.println("processes " + processes());
		System.out.println("files " + files(Paths.get("/tmp/java")));
		System.out.println("files " + files(Paths.get("/work/java")));
		System.out.println("sockets " + sockets());
		System.out.println("runtime " + (Runtime.getRuntime().availableProcessors() > 0) + " " + (ManagementFactory.getRuntimeMXBean().getPid() > 0)
			+ " " + ManagementFactory.getGarbageCollectorMXBeans().stream().map(g -> g.getName()).collect(Collectors.joining(",")));
		Runtime.getRuntime().addShutdownHook(new Thread(() -> { System.out.println("hook"); System.out.flush(); }));
		new ProcessBuilder("kill", "-TERM", "" + ProcessHandle.current().pid()).start();
		Thread.sleep(60000);
	}
}
