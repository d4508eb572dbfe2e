#!/usr/bin/env python3
"""A stand-in for warren-sentry that speaks the control protocol and runs the commands natively, on the host.

For tests of server/, api/ and clients/ only: it isolates nothing. Behaviour can be bent with $FAKE_SENTRY:
  refuse      reports that it cannot start        silent     never reports anything
  deaf        accepts control connections and never answers
"""
import argparse, array, errno, fcntl, json, os, pty, signal, socket, struct, subprocess, sys, termios, threading, time

LOCK = threading.RLock()
PROCESSES = {}  # name -> dict(popen, container, ended: threading.Event, status, tty_socket, master)
CONTAINERS = {}
COUNTER = [0]


def error(name, message):
    return {"ok": False, "error": {"errno": name, "message": message}}


def recv_exact(sock, size, fds):
    data = b""
    while len(data) < size:
        chunk, ancillary, _, _ = sock.recvmsg(size - len(data), socket.CMSG_SPACE(16 * 4))
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                a = array.array("i")
                a.frombytes(content[: len(content) - len(content) % a.itemsize])
                for fd in a:
                    os.set_inheritable(fd, False)
                    fds.append(fd)
        if not chunk:
            return None
        data += chunk
    return data


def pump_tty(process, sock, master):
    def keyboard():
        try:
            while data := sock.recv(65536):
                while data:
                    data = data[os.write(master, data):]
        except OSError:
            pass
        hang_up(process)

    threading.Thread(target=keyboard, daemon=True).start()
    try:
        while data := os.read(master, 65536):
            sock.sendall(data)
    except OSError:
        pass
    process["drained"].set()


def hang_up(process):
    popen = process["popen"]
    if popen.poll() is None:
        try:
            os.killpg(popen.pid, signal.SIGHUP)
        except OSError:
            pass


def reap(name, process):
    code = process["popen"].wait()
    if process["tty_socket"]:
        process["drained"].wait(2)
        process["tty_socket"].close()
    process["status"] = {"code": code} if code >= 0 else {"signal": -code, "core": False}
    process["ended"].set()
    if process["init"]:
        kill_container(process["container"])


def kill_container(container):
    with LOCK:
        victims = [p for p in PROCESSES.values() if p["container"] == container]
    for process in victims:
        try:
            os.killpg(process["popen"].pid, signal.SIGKILL)
        except OSError:
            pass


def op_create(request, fds):
    CONTAINERS[request["container"]] = [fds[request["root"]["gofer"]]] + [
        fds[m["gofer"]] for m in request.get("mounts", []) if "gofer" in m]
    for held in CONTAINERS[request["container"]]:
        fds[fds.index(held)] = -1
    return {"ok": True}


def op_exec(request, fds):
    if request["container"] not in CONTAINERS:
        return error("ENOENT", "no such container")
    env = dict(e.split("=", 1) for e in request.get("env", []))
    tty, sock, master = request.get("tty"), None, -1
    if tty:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", request.get("rows", 24), request.get("cols", 80), 0, 0))
        sock = socket.socket(fileno=fds[0])
        sock.setblocking(True)
        fds[0] = -1
        streams = [slave] * 3
    else:
        streams = fds[:3]

    def in_child():
        os.setsid()
        if tty:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    try:
        popen = subprocess.Popen(request["argv"], env=env, cwd=request.get("cwd", "/"), stdin=streams[0],
                                 stdout=streams[1], stderr=streams[2], preexec_fn=in_child, close_fds=True)
    except OSError as e:
        if tty:
            os.close(master)
            sock.close()
        return error(errno.errorcode[e.errno], f"exec: {os.strerror(e.errno)}")
    finally:
        if tty:
            os.close(slave)
    with LOCK:
        COUNTER[0] += 1
        name = f"p{COUNTER[0]}"
        process = {"popen": popen, "container": request["container"], "ended": threading.Event(), "argv": request["argv"],
                   "tty_socket": sock, "master": master, "drained": threading.Event(), "init": request.get("init")}
        PROCESSES[name] = process
    if tty:
        threading.Thread(target=pump_tty, args=(process, sock, master), daemon=True).start()
    threading.Thread(target=reap, args=(name, process), daemon=True).start()
    return {"ok": True, "process": name, "pid": popen.pid}


def answer(request, fds):
    op = request.get("op")
    if op == "ping":
        return {"ok": True, "version": "fake", "pid": os.getpid()}
    if op == "create":
        return op_create(request, fds)
    if op == "exec":
        return op_exec(request, fds)
    if op in ("wait", "signal", "resize"):
        process = PROCESSES.get(request.get("process"))
        if not process:
            return error("ESRCH", "no such process")
        if op == "wait":
            process["ended"].wait()
            if request.get("release"):
                with LOCK:
                    PROCESSES.pop(request["process"], None)
                    if process["master"] >= 0:
                        os.close(process["master"])
                        process["master"] = -1
            return {"ok": True, "exit": process["status"]}
        if op == "signal":
            try:
                (os.killpg if request.get("group") else os.kill)(process["popen"].pid, request["signal"])
            except ProcessLookupError:
                return error("ESRCH", "it has ended")
            return {"ok": True}
        if process["master"] < 0:
            return error("ENOTTY", "it has no terminal")
        fcntl.ioctl(process["master"], termios.TIOCSWINSZ, struct.pack("HHHH", request["rows"], request["cols"], 0, 0))
        return {"ok": True}
    if op == "list":
        return {"ok": True, "containers": [
            {"id": c, "processes": [{"process": n, "pid": p["popen"].pid, "running": p["popen"].returncode is None,
                                     "argv": p["argv"]} for n, p in PROCESSES.items() if p["container"] == c]}
            for c in CONTAINERS]}
    if op == "stats":
        return {"ok": True, "tasks": len(PROCESSES), "arena_bytes": 0, "syscalls": 0, "unimplemented": {}}
    if op == "delete":
        kill_container(request["container"])
        for fd in CONTAINERS.pop(request["container"], []):
            os.close(fd)
        return {"ok": True}
    if op == "shutdown":
        for c in list(CONTAINERS):
            kill_container(c)
        threading.Timer(0.02, lambda: os._exit(0)).start()
        return {"ok": True}
    return error("ENOSYS", f"no such operation: {op}")


def serve_one(sock, request, fds, send_lock):
    try:
        reply = answer(request, fds)
    except (KeyError, IndexError, TypeError, ValueError) as e:
        reply = error("EINVAL", f"malformed: {e!r}")
    for fd in fds:
        if fd >= 0:
            try:
                os.close(fd)
            except OSError:
                pass
    reply["id"] = request.get("id")
    text = json.dumps(reply).encode()
    with send_lock:
        try:
            sock.sendall(struct.pack("<I", len(text)) + text)
        except OSError:
            pass


def client(sock):
    send_lock = threading.Lock()
    while True:
        fds = []
        try:
            header = recv_exact(sock, 4, fds)
            body = header and recv_exact(sock, struct.unpack("<I", header)[0], fds)
        except OSError:
            body = None
        if not body or os.environ.get("FAKE_SENTRY") == "deaf":
            if not body:
                break
            continue
        request = json.loads(body)
        if request.get("op") == "wait":
            threading.Thread(target=serve_one, args=(sock, request, fds, send_lock), daemon=True).start()
        else:
            serve_one(sock, request, fds, send_lock)
    sock.close()


def main():
    parser = argparse.ArgumentParser()
    for name in ("control-fd", "ready-fd", "log-fd", "memory", "pids"):
        parser.add_argument("--" + name, type=int)
    parser.add_argument("--id")
    parser.add_argument("--strace", action="store_true")
    options = parser.parse_args()
    mode = os.environ.get("FAKE_SENTRY", "")

    def ready(**what):
        os.write(options.ready_fd, json.dumps(what).encode() + b"\n")

    if mode == "refuse":
        ready(ready=False, error="the fake sentry was told to refuse")
        sys.exit(1)
    if mode == "silent":
        time.sleep(3600)
    listener = socket.socket(fileno=options.control_fd)
    listener.setblocking(True)
    keeper = os.fork()
    if keeper:
        ready(ready=True, keeper_pid=keeper)
        os._exit(0)
    os.setsid()
    os.close(options.ready_fd)
    os.set_inheritable(options.control_fd, False)
    if options.log_fd is not None:
        os.set_inheritable(options.log_fd, False)
        if options.strace:
            os.write(options.log_fd, b"[fake] strace is on\n")
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=client, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
