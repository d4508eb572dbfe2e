#!/usr/bin/env python3
"""Refuses mutable statics in the sentry: what must survive a checkpoint lives in the arena (docs/internals.md).

usage: statics.py OBJECT-OR-ARCHIVE…        reads the symbol tables with objdump.
Every variable in a writable section must be in ALLOWED, with the reason why it may be there. Tables of pointers to constants
(.data.rel.ro) are read-only once the program has been relocated.
"""
import re, subprocess, sys

# symbol: why it need not survive, or survives by itself
ALLOWED = {
    "g_arena": "the address of the arena itself: recorded with it, and set before anything else is restored",
}
WRITABLE = re.compile(r"^(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\*COM\*)")


def symbols(path):
    """(object, section, size, name) of every data symbol."""
    out = subprocess.run(["objdump", "-t", path], check=True, capture_output=True, text=True).stdout
    member = path
    for line in out.splitlines():
        m = re.match(r"^(\S+):\s+file format", line)
        if m:
            member = m[1]
        m = re.match(r"^[0-9a-f]+ .{7} (\S+)\t([0-9a-f]+)\s+(?:\.hidden )?(\S+)$", line)
        if m and int(m[2], 16):
            yield member, m[1], int(m[2], 16), m[3]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    bad, seen, count = [], set(), 0
    for path in sys.argv[1:]:
        for member, section, size, name in symbols(path):
            count += 1
            if not WRITABLE.match(section):
                continue
            seen.add(name)
            if name not in ALLOWED:
                bad.append(f"{path}({member}): {name}, {size} bytes in {section}")
    if not count:
        sys.exit("statics: no symbols found; were the right objects given?")
    for b in bad:
        print(b)
    for name in sorted(set(ALLOWED) - seen):
        print(f"statics: {name} is allowed but no longer there; take it off the list")
    if bad or set(ALLOWED) - seen:
        print("0 passed, 1 failed, 0 skipped")
        sys.exit("statics: kernel state belongs in the arena; a constant must be const")
    print(f"{count} symbols, {len(seen)} mutable: named and explained\n1 passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    main()
