#!/bin/bash
# programs.sh DIR: prints "measure nanoseconds" for whole programs, the best of three warm runs each. DIR is the folder of
# the `run` beside this file: a git repository repo/ of 10,000 files and a C file large.c.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
dir=$1

now() { local t=${EPOCHREALTIME/./}; echo "$t"; }

measure() {
	local name=$1 best=0 t0 t1
	shift
	"$@" || { echo "$name: '$*' failed" >&2; return; }
	for _ in 1 2 3; do
		t0=$(now)
		"$@"
		t1=$(now)
		((best == 0 || t1 - t0 < best)) && best=$((t1 - t0))
	done
	echo "$name $((best * 1000))"
}

git_status() { git -C "$dir/repo" status --porcelain; }
find_usr() { find /usr -name '*.none' -print; }
tar_python() { tar -cf - -C /usr/lib --exclude=__pycache__ "$(basename "$(ls -d /usr/lib/python3.*)")" | cat > /dev/null; }
tar_share() { tar -cf - -C /usr share | cat > /dev/null; }
sh_loop() { sh -c 'i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done'; }
gcc_large() { gcc -O1 -c -o /dev/null "$dir/large.c"; }
imports() {
	python3 -c 'import asyncio, collections, concurrent.futures, ctypes, csv, dataclasses, decimal, email, http.client, inspect, json, logging, \
multiprocessing, pathlib, pickle, random, re, socket, sqlite3, ssl, statistics, subprocess, tarfile, tempfile, threading, typing, unittest, \
urllib.request, uuid, xml.etree.ElementTree, zipfile'
}

measure git_status git_status
measure find_usr find_usr
measure tar_python3 tar_python
measure tar_usr_share tar_share
measure sh_1000_true sh_loop
measure gcc_O1_large gcc_large
measure python_imports imports
