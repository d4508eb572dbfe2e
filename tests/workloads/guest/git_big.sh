mkdir big && cd big || exit 1
export HOME=$PWD GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
git config --global user.name t; git config --global user.email t@t; git config --global protocol.file.allow always
git init -q o && cd o && python3 -c '
import os
for i in range(10000):
    d = f"d{i // 100}/e{i % 10}"; os.makedirs(d, exist_ok=True)
    open(f"{d}/f{i}", "w").write("".join(f"{i} {k}\n" for k in range(i % 50)))'
git add -A && git commit -qm all && git rev-parse HEAD^{tree} && cd .. && git clone -q o c && cd c && git fsck --full 2>&1 | tail -1; git count-objects -v | grep in-pack; git status --short | wc -l; for i in 1 2 3 4 5; do git status --short; done; git repack -adq && git fsck --full; git clone -q --no-local . ../d; git -C ../d rev-parse HEAD^{tree}; git diff --stat HEAD | wc -l; find . -name 'f*' -path './d*' | wc -l
