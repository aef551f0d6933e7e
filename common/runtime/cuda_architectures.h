// Tells which cards the kernels of a build run on.
#pragma once
#include <string>
#include <vector>

namespace boxseg {

// The compute capability of a card: 8.6 is {8, 6}.
struct Capability {
  int major = 0, minor = 0;
  std::string text() const;  // "8.6"
  // clang-tidy 14 takes the 0 that the compiler compares with for a pointer. NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const Capability&) const = default;
};

// One entry of CMake's list of architectures. "86-real" is machine code, which runs on cards of the same major version
// and at least that minor one; "86-virtual" is PTX, which the driver of any card from 8.6 on compiles when a program
// starts; "86" is both.
struct CudaArchitecture {
  Capability capability;
  bool has_machine_code = false, has_ptx = false;
};

// Parses a list such as "75-real,80-real,90"; "" gives none, as in a build for CPUs only. Throws `failed` for anything
// else.
std::vector<CudaArchitecture> parse_cuda_architectures(const std::string& list);
bool is_served(const Capability& card, const std::vector<CudaArchitecture>& built);
// Describes the list for a message: "machine code for 7.5, 8.0, 9.0 and PTX for 9.0".
std::string architectures_text(const std::vector<CudaArchitecture>& built);

// Returns the list that this build was made with (CUDA_ARCHS), "" in a build for CPUs only.
std::string built_cuda_architectures();

}  // namespace boxseg
