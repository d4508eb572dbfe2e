#!/usr/bin/env python3
"""Checks the direction of includes (DESIGN: dependencies run one way). usage: includes.py TOP"""
import os
import re
import subprocess
import sys

# folder -> folders it may include (itself always). Longest matching prefix wins.
RULES = {
    'sandbox/base': ['sandbox/base'],
    'sandbox/abi': ['sandbox/base'],
    'sandbox/platform': ['sandbox/base', 'sandbox/abi', 'sandbox/kernel/kernel.h', 'sandbox/kernel/sched.h',
                         'sandbox/kernel/wait.h', 'sandbox/syscalls/stub_copy.h'],
    'sandbox/kernel': ['sandbox/base', 'sandbox/abi', 'sandbox/platform/platform.h', 'sandbox/mm', 'sandbox/vfs',
                       'sandbox/fs', 'sandbox/ipc', 'sandbox/loader', 'sandbox/syscalls/syscalls.h'],
    'sandbox/ipc': ['sandbox/base', 'sandbox/abi', 'sandbox/kernel', 'sandbox/mm', 'sandbox/vfs', 'sandbox/fs'],
    'sandbox/mm': ['sandbox/base', 'sandbox/abi', 'sandbox/platform/platform.h', 'sandbox/kernel', 'sandbox/vfs'],
    'sandbox/vfs': ['sandbox/base', 'sandbox/abi', 'sandbox/kernel', 'sandbox/mm', 'sandbox/fs'],
    'sandbox/fs': ['sandbox/base', 'sandbox/abi', 'sandbox/kernel', 'sandbox/mm', 'sandbox/vfs', 'sandbox/ipc', 'sandbox/socket',
                   'sandbox/platform/platform.h', 'gofer/proto', 'gofer/client'],
    'sandbox/socket': ['sandbox/base', 'sandbox/abi', 'sandbox/kernel', 'sandbox/mm', 'sandbox/vfs', 'sandbox/fs',
                       'netstack'],
    'sandbox/loader': ['sandbox/base', 'sandbox/abi', 'sandbox/kernel', 'sandbox/mm', 'sandbox/vfs',
                       'sandbox/platform/platform.h'],
    'sandbox/syscalls': ['sandbox'],
    'sandbox/checkpoint': ['sandbox'],
    'sandbox/control': ['sandbox'],
    'sandbox/control/proto': [],
    'sandbox/main': ['sandbox'],
    'netstack': ['sandbox/base'],
    'gofer': ['sandbox/base'],
    'server': ['sandbox/control/proto.h', 'gofer/proto'],
    'api': ['server', 'sandbox/control/proto.h'],
    'clients': ['server', 'sandbox/control/proto.h'],
}


def rule_for(path):
    best = None
    for folder in RULES:
        if path.startswith(folder) and (best is None or len(folder) > len(best)):
            best = folder
    return best


def main():
    top = sys.argv[1]
    files = subprocess.run(['git', '-C', top, 'ls-files', '-co', '--exclude-standard', '*.c', '*.h'],
                           capture_output=True, text=True, check=True).stdout.split('\n')
    checked = wrong = 0
    for path in filter(None, files):
        folder = rule_for(path)
        if folder is None or not os.path.exists(os.path.join(top, path)):
            continue
        checked += 1
        own = os.path.dirname(path) if folder.endswith('proto') else folder
        for lineno, line in enumerate(open(os.path.join(top, path), encoding='utf-8'), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m or '/' not in m[1]:
                continue
            if not m[1].startswith((own, *RULES[folder])) and not (folder == 'sandbox/control/proto' and m[1].startswith(folder)):
                wrong += 1
                print(f'{path}:{lineno}: {folder}/ may not include {m[1]}')
    print(f'{checked} files looked at')
    print(f'{1 if not wrong else 0} passed, {1 if wrong else 0} failed, 0 skipped')
    sys.exit(1 if wrong else 0)


main()
