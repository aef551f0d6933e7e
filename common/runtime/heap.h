// Sets how a program's heap is kept.
#pragma once

namespace boxseg {

// From here on, freed blocks of up to 32 MiB stay with the process, and LibTorch's large tensors lie on huge pages
// where the system has them (by LibTorch's variable THP_MEM_ALLOC_ENABLE, if that is not set). Otherwise glibc gives
// each large block back to the system, and the next step of a training or the next image pays again for every page,
// which is filled with zeros when it is first touched: up to half of the time of a loss. Call it once, at a program's
// start.
void keep_freed_memory();

}  // namespace boxseg
