// Reads a protocol buffer field by field, without its .proto. It serves the few messages of others that are looked into
// here.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace boxseg {

// Usage: for (ProtobufFields f(bytes, file, "a .caffemodel"); f.next();) if (f.number == 1) name = f.bytes;
class ProtobufFields {
 public:
  // `bytes` is one message and must outlive the object. `file` and `kind` ("a .caffemodel") are for messages.
  ProtobufFields(std::string_view bytes, const std::string& file, const char* kind)
      : rest_(bytes), file_(file), kind_(kind) {}

  // Goes to the next field; false at the end. Throws bad_input for what is cut short or no protocol buffer.
  bool next();
  int number = 0;
  // When true, `value` holds the field; else `bytes` does: a string, a message, packed numbers, 4 or 8 bytes of a
  // number.
  bool is_integer = false;
  uint64_t value = 0;
  std::string_view bytes;

  // A field of packed integers has no field numbers inside: these two read one after the other until the end.
  bool is_at_end() const { return rest_.empty(); }
  uint64_t integer();

 private:
  std::string_view take(uint64_t count);

  std::string_view rest_;
  const std::string& file_;
  const char* kind_;
};

}  // namespace boxseg
