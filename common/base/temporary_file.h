// Names temporary files so that no two writers share one, and removes those whose writer was killed.
#pragma once
#include <filesystem>
#include <string>

namespace boxseg {

// Creates an empty file beside `target`, "NAME.MACHINE-PID-START-N.part" (a long NAME is cut), and returns its path.
// The file did not exist before, and no other writer makes it, on whatever machine. The first call for a folder also
// removes what killed writers left there. Throws `failed` with the reason.
std::filesystem::path make_temporary_file(const std::filesystem::path& target);

// Removes the temporary files of writers that are gone: on this machine, of processes that ended; of other machines,
// those that nobody wrote to for a day.
void remove_leftovers(const std::filesystem::path& folder);

}  // namespace boxseg
