#!/usr/bin/env python3
"""Checks that the system-call tests have seen every call of table.def succeed and fail at least once.

The evidence is the kernel's own count: tests/syscalls/run-tests lets `warren run --stats` write what the sentry
counted for each program. What cannot be seen, because a call has no such end, is in tests/checks/uncovered, one
line each: CALL good|bad REASON; what is there and seen none the less is told, but no error.
usage: coverage.py TOP FOLDER-OF-STATS"""
import collections
import glob
import json
import os
import re
import sys

top, folder = sys.argv[1:3]
calls = [name for name, level in re.findall(r'^SYSCALL\(\s*\d+,\s*(\w+),\s*(\w+)', open(os.path.join(top, 'sandbox/syscalls/table.def'), encoding='utf-8').read(), re.M)
         if level != 'NONE']
seen = collections.defaultdict(lambda: [0, 0])
for path in glob.glob(os.path.join(folder, '*.json')):
    for name, ends in json.load(open(path, encoding='utf-8'))['calls'].items():
        for i in range(2):
            seen[name][i] += ends[i]
excused = {}
for line in open(os.path.join(top, 'tests/checks/uncovered'), encoding='utf-8'):
    if line.strip() and not line.startswith('#'):
        name, which, reason = line.split(None, 2)
        excused[name, which] = reason.strip()
wrong = []
for name in calls:
    for i, which in enumerate(('good', 'bad')):
        if seen[name][i] and (name, which) in excused:
            print(f'{name}: its {which} end was seen, but tests/checks/uncovered says: {excused[name, which]}')
        elif not seen[name][i] and (name, which) not in excused:
            wrong.append(f'{name}: no test has seen it {"succeed" if which == "good" else "fail"}')
for name, which in excused:
    if name not in calls:
        wrong.append(f'{name}: in tests/checks/uncovered, but not in the table')
for line in wrong:
    print('FAIL', line)
covered = sum(1 for name in calls if seen[name][0] and seen[name][1])
print(f'{len(calls)} calls: {covered} seen to succeed and to fail, {len(excused)} ends excused')
sys.exit(bool(wrong))
