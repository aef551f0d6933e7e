// Tells processes apart, also those of other machines and containers, so that a lock or a temporary file has an owner.
#pragma once
#include <string>

namespace boxseg {

std::string host_name();

// Names the space within which a process's number means something: the boot of this machine and the container's
// namespace of processes. It is "" when the system does not tell.
std::string process_space();

// Returns when the process started, in clock ticks after boot, which tells it from a later one with its number. It is
// "" for no such process, and for one that ended but still waits for its parent.
std::string start_of_process(int pid);

// False once that process of this process space has ended, whoever has its number by now.
bool is_running(int pid, const std::string& start);

}  // namespace boxseg
