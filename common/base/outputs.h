// Looks at what a program is to write before its work is done. Each function throws a usage error that names the
// option.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace boxseg {

// Refuses a path where something is that is neither a file nor a folder: a device, a pipe.
void refuse_special_file(const std::filesystem::path& path, const char* option = "--output");
// Refuses a name that says another format than the one that will be written: a program that goes by names would take
// the file for a damaged one. No suffix is fine, and so is one of no known format.
enum class Format { png, npy, hdf5 };
void require_name_of(Format format, const std::filesystem::path& path, const char* option = "--output");
// Refuses a path where no file can be written. It makes the file's folder.
void require_writable_file(const std::filesystem::path& path, const char* option = "--output");

// True when both paths exist and name one file, also through links and hard links.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);
// Refuses an `output` that is the file `input`, which the same command reads and would replace. `what`: "--image".
void refuse_same_file(const std::filesystem::path& output, const char* option, const std::filesystem::path& input,
                      const std::string& what);
// Refuses an `output` that is an input's folder, whose manifest.h5 would be replaced. `what`: "--labels".
void refuse_folder_of(const std::filesystem::path& output, const char* option, const std::filesystem::path& folder,
                      const std::string& what);
// Refuses an output that is one of the inputs. This is cheap while no output is there yet.
void refuse_inputs_among(const std::vector<std::filesystem::path>& outputs, const char* option,
                         const std::vector<std::filesystem::path>& inputs);

}  // namespace boxseg
