// Room for local variables, whatever limit a shell or a cluster has set.
#pragma once

namespace boxseg {

// Raises the limit of the main thread, and the size that threads made from now on get, to 8 MiB, as far as allowed. A
// program that outgrows its stack dies without a word.
void require_stack();

}  // namespace boxseg
