// SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 (a batch system's warning) are remembered, looked at between steps, and
// turned into exit code 75.
#pragma once

namespace boxseg {

// Every program starts with this call. From here on such a signal ends the program at once, with exit code 75, and
// those held by hold_interrupts() arrive now. SIGHUP stays ignored where it is (nohup). A write beyond the limit of
// file sizes fails as one to a full disk does, where its signal would kill.
void end_when_interrupted();

// Makes such signals wait, also in the program that this process becomes (exec), until it calls end_when_interrupted().
void hold_interrupts();

// Makes signals be remembered from now on, for programs that have something to save. A second SIGINT ends the process
// at once.
void watch_interrupts();
bool is_interrupted();
void throw_if_interrupted();  // Error of kind interrupted: call it when finished work is safely on disk

}  // namespace boxseg
