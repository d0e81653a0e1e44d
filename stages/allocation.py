"""Keeps freed memory in the process, which halves the kernel's part of a CPU training step."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4
LARGEST = 32 << 20
"""The largest threshold, in bytes, that glibc takes."""


def keep_freed_memory(largest_too: bool = True) -> bool:
    """Tell glibc to reuse freed memory instead of returning it to the kernel; return whether it did.

    Tensors of a training step are large, and by default each is mapped, zeroed by the kernel page
    by page, and unmapped again. Those of more than 32 MB leave gaps that others do not fill: unless
    `largest_too`, they go back to the kernel, which takes more time and less memory. Elsewhere than
    on glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    mapped = {M_MMAP_MAX: 0} if largest_too else {M_MMAP_THRESHOLD: LARGEST}
    settings = {**mapped, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 64 << 20}
    return all(libc.mallopt(name, value) for name, value in settings.items())
