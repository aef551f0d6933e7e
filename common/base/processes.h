// Tells processes apart, also those of other machines and containers: whose lock, whose temporary file is this?
#pragma once
#include <string>

namespace boxseg {

std::string host_name();

// Where the number of a process means something: the boot of this machine and the container's namespace of processes.
// "" when the system does not tell.
std::string process_space();

// Clock ticks after boot at which the process started, which distinguish it from a later one with its number. "" for no
// such process, and for one that ended but still waits for its parent.
std::string start_of_process(int pid);

// False for a process of this process space that ended, whoever has its number by now.
bool is_running(int pid, const std::string& start);

}  // namespace boxseg
