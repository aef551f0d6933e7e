// Digests of contents are XXH3 of 128 bits, as 32 hexadecimal digits. They are not for security.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace boxseg {

using Digest = std::string;

// Digests a sequence of pieces. Boundaries matter, as each piece is preceded by its length: ("ab","c") != ("a","bc").
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher& bytes(const void* data, size_t size_bytes);
  Hasher& text(std::string_view value) { return bytes(value.data(), value.size()); }
  Hasher& number(int64_t value) { return bytes(&value, sizeof value); }
  Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest digest_of(std::string_view bytes);
Digest digest_of_file(const std::filesystem::path& path);  // digest of the file's bytes; throws bad_input
uint64_t stable_hash64(std::string_view bytes);            // the same on every machine: shards, random streams

}  // namespace boxseg
