/*
 * abi/aio.h - io_submit(2) and family.
 */
#ifndef WARREN_ABI_AIO_H
#define WARREN_ABI_AIO_H

#include "sandbox/base/types.h"

enum {
	LINUX_IOCB_CMD_PREAD,
	LINUX_IOCB_CMD_PWRITE,
	LINUX_IOCB_CMD_FSYNC,
	LINUX_IOCB_CMD_FDSYNC,
	LINUX_IOCB_CMD_POLL = 5,
	LINUX_IOCB_CMD_PREADV = 7,
	LINUX_IOCB_CMD_PWRITEV
};
#define LINUX_IOCB_FLAG_RESFD  1U
#define LINUX_IOCB_FLAG_IOPRIO 2U

struct linux_iocb {
	u64 aio_data;
	u32 aio_key, aio_rw_flags;
	u16 aio_lio_opcode;
	s16 aio_reqprio;
	u32 aio_fildes;
	u64 aio_buf, aio_nbytes;
	s64 aio_offset;
	u64 aio_reserved2;
	u32 aio_flags, aio_resfd;
};
static_assert(sizeof(struct linux_iocb) == 64, "struct iocb");

struct linux_io_event {
	u64 data, obj;
	s64 res, res2;
};

/* The head of the ring in guest memory; libaio reads it without a call. */
struct linux_aio_ring {
	u32 id, nr, head, tail, magic, compat_features, incompat_features, header_length;
};
static_assert(sizeof(struct linux_aio_ring) == 32, "struct aio_ring");
#define LINUX_AIO_RING_MAGIC 0xa10a10a1U

#endif
