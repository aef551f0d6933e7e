#include "common/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/error.h"
#include "common/base/files.h"

namespace boxseg {

struct Hasher::State {
  XXH3_state_t xxh;
};

namespace {

Digest hex(XXH128_hash_t h) { return fmt::format("{:016x}{:016x}", h.high64, h.low64); }

}  // namespace

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::bytes(const void* data, size_t size_bytes) {
  const uint64_t length = size_bytes;
  XXH3_128bits_update(&state_->xxh, &length, sizeof length);
  XXH3_128bits_update(&state_->xxh, data, size_bytes);
  return *this;
}

Digest Hasher::digest() const { return hex(XXH3_128bits_digest(&state_->xxh)); }

Digest digest_of(std::string_view bytes) { return hex(XXH3_128bits(bytes.data(), bytes.size())); }

Digest digest_of_file(const std::filesystem::path& path) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  read_blocks(path, [&](std::string_view block) { XXH3_128bits_update(&state, block.data(), block.size()); });
  return hex(XXH3_128bits_digest(&state));
}

uint64_t stable_hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace boxseg
