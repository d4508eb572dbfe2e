/*
 * net.c - /proc/PID/net and /proc/sys/net: the network namespace of a process, by the texts of
 * socket/net_show.h.
 */
#include <errno.h>

#include "sandbox/fs/proc/proc_priv.h"

#include "sandbox/socket/net_show.h"

#define SHOW(id, file)                                                                                       \
	static int show_##id(struct task *t, struct text_buf *b)                                             \
	{                                                                                                    \
		if (!t->ns || !t->ns->net->state)                                                            \
			return -EINVAL;                                                                      \
		net_show_##id(t->ns->net->state, b);                                                         \
		return 0;                                                                                    \
	}
NET_SHOW_LIST(SHOW)
NET_SHOW_PRIVATE_LIST(SHOW)
#undef SHOW

static const struct proc_entry net_entries[] = {
#define ENTRY(id, file) {.name = file, .mode = LINUX_S_IFREG | 0444, .show = show_##id},
    NET_SHOW_LIST(ENTRY)
#undef ENTRY
#define ENTRY(id, file) {.name = file, .mode = LINUX_S_IFREG | 0440, .show = show_##id},
	NET_SHOW_PRIVATE_LIST(ENTRY)
#undef ENTRY
};

static int net_lookup(struct inode *dir, struct dentry *d, struct task *t)
{
	struct inode *inode = NULL;
	int err;

	for (u32 i = 0; i < ARRAY_COUNT(net_entries); i++) {
		if (strcmp(d->name, net_entries[i].name))
			continue;
		err = proc_entry_inode(dir->sb, t, &net_entries[i], false, -1, &inode);
		if (!err)
			dentry_set_inode(d, inode);
		return err;
	}
	return 0;
}

static int net_readdir(struct task *t, struct file *f, struct dir_context *ctx)
{
	while (ctx->pos - 2 < ARRAY_COUNT(net_entries)) {
		const char *name = net_entries[ctx->pos - 2].name;
		if (!ctx->emit(ctx, name, strlen(name), 80000 + ctx->pos, 8, ctx->pos + 1))
			return 0;
		ctx->pos++;
	}
	return 0;
}

const struct proc_dir proc_net_dir = {net_lookup, net_readdir};
