// SIGTERM and SIGINT: remembered, looked at between steps, and turned into exit code 75.
#pragma once

namespace boxseg {

void watch_interrupts();      // installs the handlers; a second SIGINT ends the process at once
bool is_interrupted();
void throw_if_interrupted();  // Error of kind interrupted: call it when finished work is safely on disk

}  // namespace boxseg
