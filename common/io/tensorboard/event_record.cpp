#include "common/io/tensorboard/event_record.h"

#include <bit>
#include <boost/crc.hpp>
#include <cstring>

#include "common/base/error.h"
#include "common/io/protobuf.h"

namespace boxseg {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they stand in memory");

template <class T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
T value_of(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// --- protobuf: a field is its number and wire type, then the value ---
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes += static_cast<char>(value);
}

std::string key(uint32_t number, Wire wire) { return varint(number << 3 | wire); }
std::string integer_field(uint32_t number, int64_t value) {
  return key(number, kVarint) + varint(static_cast<uint64_t>(value));
}
std::string double_field(uint32_t number, double value) { return key(number, kFixed64) + bytes_of(value); }
std::string float_field(uint32_t number, float value) { return key(number, kFixed32) + bytes_of(value); }
std::string field(uint32_t number, std::string_view bytes) {  // a string or a message
  return key(number, kLengthDelimited) + varint(bytes.size()) + std::string(bytes);
}

// --- the messages, with the numbers of their .proto files ---
std::string event(double time, int64_t step, uint32_t what, std::string_view message) {
  return double_field(1, time) + integer_field(2, step) + field(what, message);
}
constexpr uint32_t kFileVersion = 3, kSummary = 5, kSessionLog = 7;  // values of `what`: an Event's fields

std::string value_of_summary(const std::string& tag, const std::string& fields) {
  return field(1, field(1, tag) + fields);
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return static_cast<uint32_t>(crc.checksum());
}

uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

std::string event_record(std::string_view event) {
  const std::string length = bytes_of(uint64_t{event.size()});
  return length + bytes_of(masked_crc32c(length)) + std::string(event) + bytes_of(masked_crc32c(event));
}

bool take_event_record(std::string_view& bytes, std::string_view& event) {
  constexpr size_t kHead = 12, kTail = 4;
  if (bytes.size() < kHead + kTail || masked_crc32c(bytes.substr(0, 8)) != value_of<uint32_t>(bytes.substr(8)))
    return false;
  const auto length = value_of<uint64_t>(bytes);
  if (length > bytes.size() - kHead - kTail) return false;
  event = bytes.substr(kHead, length);
  if (masked_crc32c(event) != value_of<uint32_t>(bytes.substr(kHead + length))) return false;
  bytes.remove_prefix(kHead + length + kTail);
  return true;
}

std::string version_event(double time) { return double_field(1, time) + field(kFileVersion, "brain.Event:2"); }

std::string session_start_event(double time, int64_t step) {
  constexpr int64_t kStart = 1;
  return event(time, step, kSessionLog, integer_field(1, kStart));
}

std::string scalars_event(double time, int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;
  for (const auto& [tag, value] : values) summary += value_of_summary(tag, float_field(2, static_cast<float>(value)));
  return event(time, step, kSummary, summary);
}

std::string image_event(double time, int64_t step, const std::string& tag, int64_t height, int64_t width,
                        std::string_view png) {
  constexpr int64_t kRgb = 3;
  const std::string image = integer_field(1, height) + integer_field(2, width) + integer_field(3, kRgb) + field(4, png);
  return event(time, step, kSummary, value_of_summary(tag, field(4, image)));
}

std::string text_event(double time, int64_t step, const std::string& tag, std::string_view markdown) {
  constexpr int64_t kString = 7, kTensorData = 2;  // DT_STRING, DATA_CLASS_TENSOR
  const std::string metadata = field(1, field(1, "text")) + integer_field(4, kTensorData);
  const std::string one_string = integer_field(1, kString) + field(2, "") + field(8, markdown);
  return event(time, step, kSummary, value_of_summary(tag, field(9, metadata) + field(8, one_string)));
}

int64_t step_of_event(std::string_view event) {
  const std::string name = "event";
  int64_t step = 0;
  try {
    for (ProtobufFields f(event, name, "an event"); f.next();)
      if (f.number == 2 && f.is_integer) step = static_cast<int64_t>(f.value);
  } catch (const Error&) {
    return -1;
  }
  return step;
}

}  // namespace boxseg
