#include "common/labels/maps_bytes.h"

#include <cstring>

#include "common/base/error.h"

namespace boxseg {
namespace {

void put(std::string& bytes, const void* data, size_t size) { bytes.append(static_cast<const char*>(data), size); }

template <class T>
void put_list(std::string& bytes, const std::vector<T>& values) {
  const auto count = static_cast<int64_t>(values.size());
  put(bytes, &count, sizeof count);
  put(bytes, values.data(), values.size() * sizeof(T));
}

class Source {
 public:
  explicit Source(const std::string& bytes) : bytes_(bytes) {}
  void take(void* out, size_t size) {
    ensure(size <= bytes_.size() - at_, "feature maps: {} bytes are too few", bytes_.size());
    std::memcpy(out, bytes_.data() + at_, size);
    at_ += size;
  }
  template <class T>
  std::vector<T> list() {
    int64_t count = 0;
    take(&count, sizeof count);
    ensure(count >= 0 && static_cast<uint64_t>(count) <= (bytes_.size() - at_) / sizeof(T),
           "feature maps: a list of {}", count);
    std::vector<T> values(static_cast<size_t>(count));
    if (count > 0) take(values.data(), values.size() * sizeof(T));
    return values;
  }
  bool is_at_end() const { return at_ == bytes_.size(); }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

}  // namespace

std::string to_bytes(const FeatureMaps& maps) {
  std::string bytes;
  put(bytes, &maps.cells.height, sizeof maps.cells.height);
  put(bytes, &maps.cells.width, sizeof maps.cells.width);
  put_list(bytes, maps.gram);
  put_list(bytes, maps.query_maps);
  put_list(bytes, maps.background_map);
  put_list(bytes, maps.class_maps);
  put_list(bytes, maps.is_known);
  return bytes;
}

FeatureMaps maps_from_bytes(const std::string& bytes) {
  Source source(bytes);
  FeatureMaps maps;
  source.take(&maps.cells.height, sizeof maps.cells.height);
  source.take(&maps.cells.width, sizeof maps.cells.width);
  maps.gram = source.list<float>();
  maps.query_maps = source.list<float>();
  maps.background_map = source.list<float>();
  maps.class_maps = source.list<float>();
  maps.is_known = source.list<uint8_t>();
  ensure(source.is_at_end(), "feature maps: bytes are left over");
  return maps;
}

}  // namespace boxseg
