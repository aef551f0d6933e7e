// Makes room for local variables, whatever limit a shell or a cluster has set.
#pragma once

namespace boxseg {

// Raises the limit of the main thread's stack, and the stack size of threads made from now on, to 8 MiB, as far as
// allowed. A program that outgrows its stack dies without a word.
void require_stack();

}  // namespace boxseg
