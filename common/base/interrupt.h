// SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 (a batch system's warning): remembered, looked at between steps, and
// turned into exit code 75.
#pragma once

namespace boxseg {

// What every program starts with; signals held by hold_interrupts() come now. Such a signal ends it at once, with exit
// code 75. SIGHUP stays ignored where it is (nohup). A write beyond the limit of file sizes fails as one to a full disk
// does, where it would kill.
void end_when_interrupted();

// Such signals wait, also in the program that this process becomes (exec), until it calls end_when_interrupted().
void hold_interrupts();

// For programs that have something to save: from now on a signal is remembered. A second SIGINT ends the process at
// once.
void watch_interrupts();
bool is_interrupted();
void throw_if_interrupted();  // Error of kind interrupted: call it when finished work is safely on disk

}  // namespace boxseg
