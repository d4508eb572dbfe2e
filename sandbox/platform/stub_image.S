/* stub_image.S - the stub's ELF file as bytes in the sentry's read-only data. */
	.section .rodata
	.globl stub_image, stub_image_end
	.balign 16
stub_image:
	.incbin "sandbox/platform/stub.elf"
stub_image_end:
	.section .note.GNU-stack,"",@progbits
