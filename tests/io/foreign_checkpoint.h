// Makes checkpoints that we would not write, and tells what reading one fails with.
#pragma once
#include <ATen/ATen.h>
#include <zlib.h>

#include <cstring>
#include <string>

#include "common/base/files.h"
#include "common/io/checkpoint/checkpoint.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

namespace boxseg::test {

// Makes a stored zip of one pickle, as torch.save lays it out; it is enough for what must be refused before its
// tensors.
inline std::string zip_of(const std::string& pickle) {
  const TemporaryDirectory dir;
  Checkpoint c;
  c.tensors = {{std::string(4000, 'x'), at::zeros({1}, at::kFloat)}};  // a name as long as any pickle of these tests
  write_checkpoint(dir / "a.pt", c);
  std::string bytes = read_file(dir / "a.pt");
  // The first entry is data.pkl. The pickle is put in its place, padded, with its new checksum in both headers.
  const size_t name_at = bytes.find("archive/data.pkl");
  const size_t data_at = name_at + 16 + 4 + static_cast<uint8_t>(bytes[name_at + 18]);  // after the padding field
  uint32_t size = 0;
  std::memcpy(&size, bytes.data() + 18, 4);
  const std::string padded = pickle + std::string(size - pickle.size(), '.');
  bytes.replace(data_at, size, padded);
  const auto crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(padded.data()), padded.size()));
  std::memcpy(bytes.data() + 14, &crc, 4);
  std::memcpy(bytes.data() + bytes.rfind("archive/data.pkl") - 46 + 16, &crc, 4);
  return bytes;
}

inline Failure reading(const fs::path& path) {
  return failure_of([&] { read_checkpoint(path); });
}

}  // namespace boxseg::test
