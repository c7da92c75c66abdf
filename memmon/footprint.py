"""Footprint: what a process can't give back, from what its status tells; arrays in, an array out.

Resident memory counts pages that map files, which the kernel takes back when it needs them, and leaves out what
was swapped out. The footprint is the other way round: anonymous + shared + swapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


def footprint_of(
    rss_bytes: FloatArray,
    *,
    anon_bytes: FloatArray | None,
    shmem_bytes: FloatArray | None,
    swap_bytes: FloatArray | None,
) -> FloatArray:
    """Return the footprint of one run at each sample, in bytes: anonymous + shared + swapped memory.

    Where the parts are known for some samples only, the file pages and the swap of the others lie between those of
    their neighbours, so that nothing jumps when a part begins to be read. Parts that are never known count as
    nothing: RSS + swapped, or RSS alone.
    """
    footprint = rss_bytes
    pages = file_bytes_of(rss_bytes, anon_bytes=anon_bytes, shmem_bytes=shmem_bytes)
    if pages is not None:
        footprint = np.maximum(footprint - pages, 0.0)
    swapped = None if swap_bytes is None else _between(swap_bytes)
    return footprint if swapped is None else footprint + swapped


def file_bytes_of(
    rss_bytes: FloatArray, *, anon_bytes: FloatArray | None, shmem_bytes: FloatArray | None
) -> FloatArray | None:
    """Return the resident pages of one run that map files, at each sample in bytes; None where nothing tells."""
    if anon_bytes is None:
        return None
    shared = None if shmem_bytes is None else _between(shmem_bytes)
    held = anon_bytes if shared is None else anon_bytes + shared
    return _between(np.clip(rss_bytes - held, 0.0, rss_bytes))


def _between(values: FloatArray) -> FloatArray | None:
    """Return `values` with what is unknown put between its neighbours; None where nothing is known."""
    known = np.isfinite(values)
    if bool(known.all()):
        return values
    places = np.flatnonzero(known)
    if not places.size:
        return None
    return np.asarray(np.interp(np.arange(values.size), places, values[places]))
