// Reads and writes NumPy .npy files of float32 (reads also float64; little-endian, C order), for the `crf` program.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace boxseg {

struct FloatArray {
  std::vector<int64_t> shape;
  std::vector<float> values;
};
FloatArray read_npy(const std::filesystem::path& path);                      // throws bad_input
std::vector<int64_t> read_npy_shape(const std::filesystem::path& path);      // reads the header alone; throws bad_input
void write_npy(const std::filesystem::path& path, const FloatArray& array);  // atomic

}  // namespace boxseg
