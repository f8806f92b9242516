"""System calls that a sandbox refuses: they hold memory that no process is seen to use, leave the
one processor that it has, reach the keyrings of whoever started it, or open parts of the kernel
that no notebook needs.

The filter is a program for the kernel's seccomp, eight bytes an instruction.
"""

from __future__ import annotations

import errno
import platform
import struct

# The number of each call: on x86-64, on 64-bit Arm.
_REFUSED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "sched_setaffinity": (203, 122),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_OTHER_TABLE = 0x40000000  # from here on, x86-64 counts its calls a second time


def system_call_filter() -> bytes:
    """Build the filter for this machine.

    Raises:
        RuntimeError: it is neither x86-64 nor 64-bit Arm.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise RuntimeError(f"no filter of system calls is known for {machine}")
    column, architecture = _ARCHITECTURES[machine]
    numbers = [each[column] for each in _REFUSED.values()]
    # One more comparison follows the equal ones; the last instruction refuses.
    program = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    program.append((_LOAD, 0, 0, 0))
    for index, number in enumerate(numbers):
        program.append((_EQUAL, len(numbers) - index + 1, 0, number))
    program.append((_AT_LEAST, 1, 0, _OTHER_TABLE))
    program.append((_RETURN, 0, 0, _ALLOW))
    program.append((_RETURN, 0, 0, _ERROR | errno.EPERM))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)
