// A storm of goroutines: 100,000 of them over channels, locks and timers, with garbage collection, blocking calls on
// many threads, child processes, signals, unix sockets and preemption of loops that never yield.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		debug.PrintStack()
		os.Exit(1)
	}
}

func ring(n, rounds int) int {
	first := make(chan int)
	in := first
	for i := 0; i < n; i++ {
		out := make(chan int)
		go func(in, out chan int) {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}(in, out)
		in = out
	}
	v := 0
	for r := 0; r < rounds; r++ {
		go func(v int) { first <- v }(v)
		v = <-in
	}
	close(first)
	<-in
	return v
}

func crowd(n int) int64 {
	var wg sync.WaitGroup
	var sum int64
	var mu sync.RWMutex
	m := map[int]int{}
	start := make(chan struct{})
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			<-start
			atomic.AddInt64(&sum, int64(i))
			if i%16 == 0 {
				mu.Lock()
				m[i%1024]++
				mu.Unlock()
			} else {
				mu.RLock()
				_ = m[i%1024]
				mu.RUnlock()
			}
			if i%100 == 0 {
				time.Sleep(time.Duration(i%7) * time.Millisecond)
			}
		}(i)
	}
	close(start)
	wg.Wait()
	return sum + int64(len(m))
}

func garbage() int {
	var wg sync.WaitGroup
	total := make(chan int, 8)
	for g := 0; g < 8; g++ {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			keep := [][]byte{}
			for i := 0; i < 3000; i++ {
				b := make([]byte, 1000+i%5000)
				b[0] = byte(i)
				if i%10 == 0 {
					keep = append(keep, b)
				}
			}
			s := 0
			for _, b := range keep {
				s += len(b) + int(b[0])
			}
			total <- s
		}(g)
	}
	wg.Wait()
	close(total)
	s := 0
	for t := range total {
		s += t
	}
	runtime.GC()
	debug.FreeOSMemory()
	return s
}

func preempted() bool {
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	var stop int32
	done := make(chan struct{})
	go func() {
		x := 0
		for atomic.LoadInt32(&stop) == 0 {
			x++
		}
		close(done)
	}()
	time.Sleep(20 * time.Millisecond) // comes back only when the loop is preempted by SIGURG
	atomic.StoreInt32(&stop, 1)
	<-done
	return true
}

func children() string {
	var wg sync.WaitGroup
	out := make([]string, 20)
	for i := range out {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			b, err := exec.Command("/bin/sh", "-c", fmt.Sprintf("echo child %d; exit %d", i, i%3)).Output()
			code := 0
			if e, ok := err.(*exec.ExitError); ok {
				code = e.ExitCode()
			}
			out[i] = fmt.Sprint(strings.TrimSpace(string(b)), " ", code)
		}(i)
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := exec.CommandContext(ctx, "/bin/sleep", "100").Run()
	cmd := exec.Command("/bin/cat")
	in, _ := cmd.StdinPipe()
	o, _ := cmd.StdoutPipe()
	check(cmd.Start())
	go func() { io.Copy(in, strings.NewReader(strings.Repeat("z", 1<<20))); in.Close() }()
	b, _ := io.ReadAll(o)
	check(cmd.Wait())
	return fmt.Sprint(out, err, len(b))
}

func sockets() int {
	l, err := net.Listen("unix", "/tmp/go.sock")
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	var wg sync.WaitGroup
	var n int64
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			c, err := net.Dial("unix", "/tmp/go.sock")
			check(err)
			defer c.Close()
			text := strings.Repeat("x", 100+i*200)
			go func() { io.WriteString(c, text); c.(*net.UnixConn).CloseWrite() }()
			c.SetReadDeadline(time.Now().Add(60 * time.Second))
			b, err := io.ReadAll(c)
			check(err)
			atomic.AddInt64(&n, int64(len(b)))
		}(i)
	}
	wg.Wait()
	c, err := net.Dial("unix", "/tmp/go.sock")
	check(err)
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	if e, ok := err.(net.Error); !ok || !e.Timeout() {
		check(fmt.Errorf("no timeout: %v", err))
	}
	c.Close()
	l.Close()
	return int(n)
}

func signals() []string {
	c := make(chan os.Signal, 100)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP)
	seen := map[string]bool{}
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP} {
		check(syscall.Kill(os.Getpid(), s))
		seen[(<-c).String()] = true
	}
	names := []string{}
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func blocking() int { // 200 threads that block in read at once
	var wg sync.WaitGroup
	var n int64
	ws := []int{}
	for i := 0; i < 200; i++ {
		var p [2]int
		check(syscall.Pipe(p[:]))
		ws = append(ws, p[1])
		wg.Add(1)
		go func(fd int) {
			defer wg.Done()
			b := make([]byte, 10)
			k, err := syscall.Read(fd, b)
			check(err)
			atomic.AddInt64(&n, int64(k))
			syscall.Close(fd)
		}(p[0])
	}
	time.Sleep(100 * time.Millisecond)
	for _, w := range ws {
		syscall.Write(w, []byte("hello"))
		syscall.Close(w)
	}
	wg.Wait()
	return int(n)
}

func files(dir string) string {
	check(os.MkdirAll(dir, 0o755))
	var wg sync.WaitGroup
	for i := 0; i < 200; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			check(os.WriteFile(fmt.Sprintf("%s/%d", dir, i), []byte(strings.Repeat("f", i*10)), 0o644))
		}(i)
	}
	wg.Wait()
	h := sha256.New()
	entries, err := os.ReadDir(dir)
	check(err)
	for _, e := range entries {
		b, err := os.ReadFile(dir + "/" + e.Name())
		check(err)
		fmt.Fprint(h, e.Name(), len(b))
	}
	check(os.RemoveAll(dir))
	return fmt.Sprintf("%d %x", len(entries), h.Sum(nil)[:8])
}

func main() {
	fmt.Println("ring", ring(10000, 3))
	fmt.Println("crowd", crowd(100000))
	fmt.Println("garbage", garbage())
	fmt.Println("preempted", preempted())
	fmt.Println("children", children())
	fmt.Println("sockets", sockets())
	fmt.Println("signals", signals())
	fmt.Println("blocking", blocking())
	fmt.Println("files", files("/tmp/go-files"), files("/work/go-files"))
	tick, n := time.NewTicker(5*time.Millisecond), 0
	for range tick.C {
		if n++; n == 20 {
			break
		}
	}
	timeout := time.After(time.Hour)
	select {
	case <-timeout:
	case <-time.After(10 * time.Millisecond):
		fmt.Println("timer")
	}
	defer func() {
		fmt.Println("recovered", recover() != nil) // of SIGSEGV
		os.Exit(3)
	}()
	var p *int
	*p = 1
}
