#include "common/io/codecs.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <system_error>

#include "common/base/error.h"
#include "common/io/codecs/boxseg_codecs.h"
#include "common/io/image_container.h"

namespace boxseg {
namespace {

constexpr const char* kLibrary = "libboxseg_codecs.so";

struct Codecs {
  decltype(&boxseg_codecs_decode) decode = nullptr;
  decltype(&boxseg_codecs_free) free = nullptr;
  std::string error;  // why the library cannot be had, "" when it can
};

// Finds the library. The folders bin/ (or tests/) and lib/ stand side by side in a build and in a bundle; where a
// distribution puts the library elsewhere, the loader's own search finds it.
std::string library_path() {
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const std::filesystem::path beside = program.parent_path().parent_path() / "lib" / kLibrary;
  return std::filesystem::exists(beside, ignored) ? beside.string() : kLibrary;
}

Codecs load() {
  Codecs codecs;
  if (void* const library = dlopen(library_path().c_str(), RTLD_NOW | RTLD_LOCAL)) {
    codecs.decode = reinterpret_cast<decltype(codecs.decode)>(dlsym(library, "boxseg_codecs_decode"));
    codecs.free = reinterpret_cast<decltype(codecs.free)>(dlsym(library, "boxseg_codecs_free"));
    if (codecs.decode != nullptr && codecs.free != nullptr) return codecs;
  }
  const char* const reason = dlerror();
  codecs.error = reason != nullptr ? reason : "it lacks a function";
  return codecs;
}

}  // namespace

RgbImage decode_unusual_image(const std::filesystem::path& path, std::string_view bytes) {
  if (const std::string kind = kind_of_unread_file(bytes); !kind.empty()) fail_input("{}: is {}", path.string(), kind);
  static const Codecs codecs = load();
  if (codecs.error.find("Cannot allocate memory") != std::string::npos)
    fail("{}: there is not enough memory to load what reads such images ({}); free some, or convert it to JPEG or PNG",
         path.string(), codecs.error);
  if (!codecs.error.empty())
    fail_input(
        "{}: is no PNG and no JPEG of the usual kinds, and what reads others cannot be loaded ({}); convert it to JPEG "
        "or PNG, or install {} and OpenCV's image codecs",
        path.string(), codecs.error, kLibrary);
  uint8_t* pixels = nullptr;
  int64_t height = 0, width = 0;
  std::array<char, 400> error{};
  const int status = codecs.decode(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &pixels, &height,
                                   &width, error.data(), error.size());
  if (status == 2) fail("{}: {}; use fewer --threads, or a machine with more", path.string(), error.data());
  if (status != 0) fail_input("{}: {}", path.string(), error.data());
  const std::unique_ptr<uint8_t, decltype(codecs.free)> owner(pixels, codecs.free);
  RgbImage image(height, width);
  std::copy_n(pixels, image.pixels.size(), image.pixels.begin());
  return image;
}

}  // namespace boxseg
