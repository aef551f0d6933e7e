#include "common/io/protobuf.h"

#include "common/base/error.h"

namespace boxseg {

bool ProtobufFields::next() {
  if (rest_.empty()) return false;
  const uint64_t key = integer();
  number = static_cast<int>(key >> 3);
  is_integer = (key & 7) == 0;
  value = 0, bytes = {};
  switch (key & 7) {
    case 0:
      value = integer();
      break;
    case 1:
      bytes = take(8);
      break;
    case 2:
      bytes = take(integer());
      break;
    case 5:
      bytes = take(4);
      break;
    default:
      fail_input("{}: is damaged, or not {} (field type {})", file_, kind_, key & 7);
  }
  return true;
}

uint64_t ProtobufFields::integer() {
  uint64_t result = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<uint8_t>(take(1)[0]);
    result |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return result;
  }
  fail_input("{}: is damaged, or not {} (a number of more than 64 bits)", file_, kind_);
}

std::string_view ProtobufFields::take(uint64_t count) {
  if (count > rest_.size()) fail_input("{}: is cut short, or not {}", file_, kind_);
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

}  // namespace boxseg
