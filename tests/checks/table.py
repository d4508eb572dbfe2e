#!/usr/bin/env python3
"""Checks that table.def tells the truth: a call is FULL or PARTIAL exactly if a handler sys_NAME is defined in
sandbox/syscalls/, and docs/compatibility.md is what the table generates. usage: table.py TOP"""
import glob
import os
import re
import subprocess
import sys

top = sys.argv[1]
table = os.path.join(top, 'sandbox/syscalls/table.def')
handlers = set()
for path in glob.glob(os.path.join(top, 'sandbox/syscalls/*.c')):
    handlers |= set(re.findall(r'^s64 sys_(\w+)\(', open(path, encoding='utf-8').read(), re.M))
wrong = []
for number, name, level in re.findall(r'^SYSCALL\(\s*(\d+),\s*(\w+),\s*(\w+)', open(table, encoding='utf-8').read(), re.M):
    if (level != 'NONE') != (name in handlers):
        wrong.append(f'{name}: the table says {level}, a handler {"exists" if name in handlers else "does not exist"}')
generated = subprocess.run([sys.executable, os.path.join(top, 'sandbox/syscalls/gen_table.py'), table, 'compatibility.md'],
                           capture_output=True, text=True, check=True).stdout
if open(os.path.join(top, 'docs/compatibility.md'), encoding='utf-8').read() != generated:
    wrong.append('docs/compatibility.md is not what the table generates; run: make -C build docs')
for line in wrong:
    print(line)
print(f'{0 if wrong else 1} passed, {1 if wrong else 0} failed, 0 skipped')
sys.exit(bool(wrong))
