// Reads a protocol buffer field by field, without its .proto: for the few messages of others that are looked into here.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace boxseg {

//   for (ProtobufFields f(bytes, file, "a .caffemodel"); f.next();) if (f.number == 1) name = f.bytes;
class ProtobufFields {
 public:
  // `bytes`: of one message; must outlive the object. `file` and `kind` ("a .caffemodel") are for messages.
  ProtobufFields(std::string_view bytes, const std::string& file, const char* kind)
      : rest_(bytes), file_(file), kind_(kind) {}

  // Goes to the next field; false at the end. Throws bad_input for what is cut short or no protocol buffer.
  bool next();
  int number = 0;
  bool is_integer = false;  // value holds it; else bytes: a string, a message, packed numbers, 4 or 8 bytes of a number
  uint64_t value = 0;
  std::string_view bytes;

  // Of packed integers, which have no field numbers: one after the other until the end.
  bool is_at_end() const { return rest_.empty(); }
  uint64_t integer();

 private:
  std::string_view take(uint64_t count);

  std::string_view rest_;
  const std::string& file_;
  const char* kind_;
};

}  // namespace boxseg
