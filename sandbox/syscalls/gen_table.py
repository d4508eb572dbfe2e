#!/usr/bin/env python3
"""Reads table.def and writes what is generated from it.

usage: gen_table.py table.def (calls.h | table.c | stub_copy.h | compatibility.md)   -> standard output

calls.h           declarations of sys_NAME for every call that has a handler
table.c           the dispatch and description table (struct syscall_desc, see syscalls.h)
stub_copy.h       the stub's copy table: per call and argument, what to stage
compatibility.md  the page in docs/
"""
import re
import sys

LINE = re.compile(r'^SYSCALL\(\s*(\d+),\s*(\w+),\s*(FULL|PARTIAL|NONE),\s*"([^"]*)"(.*)\)\s*$')
KIND = re.compile(r'([A-Z_]+)(?:\((\d+)(?:\*(\d))?\))?$')
KINDS = ('FD AT_FD INT UINT LONG SIZE OFF HEX PTR STR IN OUT INF OUTF INA OUTA BOTHA BOTHF FDSET OPENFLAGS MODE SIGNAL PID PROT MAPFLAGS '
         'CLONEFLAGS FUTEXOP WHENCE CLOCK FLAGS').split()


class Call:
    def __init__(self, number, name, level, note, args):
        self.number, self.name, self.level, self.note, self.args = number, name, level, note, args


def parse(path):
    calls, full = [], set()
    for lineno, line in enumerate(open(path, encoding='utf-8'), 1):
        if line.startswith('FULL_FRAME('):
            full |= set(re.findall(r'\w+', line[len('FULL_FRAME'):]))
        if not line.startswith('SYSCALL('):
            continue
        m = LINE.match(line)
        if not m:
            sys.exit(f'{path}:{lineno}: not of the form SYSCALL(number, name, LEVEL, "note", kinds...)')
        args = []
        for word in filter(None, (w.strip() for w in m[5].split(','))):
            k = KIND.match(word)
            if not k or k[1] not in KINDS or (k[3] is not None) != (k[1] in ('INA', 'OUTA', 'BOTHA')):
                sys.exit(f'{path}:{lineno}: {word!r} is not an argument kind')
            args.append((k[1], int(k[2]) << 3 | int(k[3]) if k[3] else int(k[2] or 0)))
        if len(args) > 6:
            sys.exit(f'{path}:{lineno}: a system call has at most six arguments')
        calls.append(Call(int(m[1]), m[2], m[3], m[4], args))
    numbers = [c.number for c in calls]
    if len(set(numbers)) != len(numbers):
        sys.exit(f'{path}: a number is given twice')
    for name in full - {c.name for c in calls}:
        sys.exit(f'{path}: FULL_FRAME names {name}, which is no call')
    for c in calls:
        c.full = c.name in full
    return calls


def calls_h(calls):
    print('/* Generated from table.def. */\n#ifndef WARREN_SYSCALLS_CALLS_H\n#define WARREN_SYSCALLS_CALLS_H\n')
    print('#include "sandbox/base/types.h"\n\nstruct task;\n')
    for c in calls:
        if c.level != 'NONE':
            print(f's64 sys_{c.name}(struct task *t, const u64 *a);')
    print('\n#endif')


def table_c(calls):
    print('/* Generated from table.def. */\n#include "sandbox/syscalls/calls.h"\n#include "sandbox/syscalls/syscalls.h"\n')
    print('const struct syscall_desc syscall_table[] = {')
    for c in calls:
        args = ', '.join('{ARG_%s, %d}' % a for a in c.args) or '{0, 0}'
        fn = 'NULL' if c.level == 'NONE' else f'sys_{c.name}'
        print(f'\t[{c.number}] = {{"{c.name}", {fn}, LEVEL_{c.level}, {len(c.args)}, {{{args}}}}},')
    print('};\n')
    print('const unsigned syscall_table_count = sizeof(syscall_table) / sizeof(syscall_table[0]);')


def stub_copy_h(calls):
    """Six bytes of kind and six halves of parameter per call; index = number."""
    code = {'STR': 1, 'IN': 2, 'OUT': 3, 'INF': 4, 'OUTF': 5, 'INA': 6, 'OUTA': 7, 'BOTHA': 8, 'BOTHF': 9, 'FDSET': 10}
    top = max(c.number for c in calls)
    print('/* Generated from table.def: what the stub stages, per call and argument (see stub_abi.h). */')
    print(f'#define STUB_COPY_COUNT {top + 1}')
    print('static const struct stub_copy stub_copy_table[STUB_COPY_COUNT] = {')
    for c in calls:
        kinds = [(i, code[k], p) for i, (k, p) in enumerate(c.args) if k in code]
        fields = ['.any = 1'] if kinds else []
        fields += ['.full = 1'] if c.full else []
        fields += [f'.kind[{i}] = {k}, .param[{i}] = {p}' for i, k, p in kinds]
        if fields:
            print(f'\t[{c.number}] = {{{", ".join(fields)}}}, /* {c.name} */')
    print('};')


def compatibility_md(calls):
    full = [c for c in calls if c.level == 'FULL']
    part = [c for c in calls if c.level == 'PARTIAL']
    none = [c for c in calls if c.level == 'NONE']
    print('# System-call compatibility\n')
    print('Generated from `sandbox/syscalls/table.def` by `gen_table.py`; do not edit.\n')
    print(f'x86-64: {len(calls)} calls known, {len(full)} full, {len(part)} partial, {len(none)} not implemented '
          '(answered `ENOSYS` unless the note says otherwise, counted in `stats`).\n')
    print('| number | call | level | note |\n| --- | --- | --- | --- |')
    for c in calls:
        print(f'| {c.number} | `{c.name}` | {c.level.lower()} | {c.note} |')


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    calls = parse(sys.argv[1])
    {'calls.h': calls_h, 'table.c': table_c, 'stub_copy.h': stub_copy_h,
     'compatibility.md': compatibility_md}[sys.argv[2]](calls)


if __name__ == '__main__':
    main()
