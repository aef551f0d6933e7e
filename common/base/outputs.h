// What a program may write, looked at before its work is done. Each throws a usage error that names the option.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace boxseg {

// Where something is that is neither a file nor a folder: a device, a pipe.
void refuse_special_file(const std::filesystem::path& path, const char* option = "--output");
// Where the name says another format than the one that will be written: a program that goes by names would take it for
// a damaged file. No suffix is fine, and so is one of no known format.
enum class Format { png, npy, hdf5 };
void require_name_of(Format format, const std::filesystem::path& path, const char* option = "--output");
// Where a file cannot be written. Makes its folder.
void require_writable_file(const std::filesystem::path& path, const char* option = "--output");

// Whether both are there and are one file, also through links and hard links.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);
// Where `output` is the file `input`, which the same command reads and would replace. `what`: "--image".
void refuse_same_file(const std::filesystem::path& output, const char* option, const std::filesystem::path& input,
                      const std::string& what);
// Where `output` is the folder that an input lies in with its manifest.h5, which would be replaced. `what`: "--labels".
void refuse_folder_of(const std::filesystem::path& output, const char* option, const std::filesystem::path& folder,
                      const std::string& what);
// Where one of the outputs is one of the inputs. Cheap while no output is there yet.
void refuse_inputs_among(const std::vector<std::filesystem::path>& outputs, const char* option,
                         const std::vector<std::filesystem::path>& inputs);

}  // namespace boxseg
