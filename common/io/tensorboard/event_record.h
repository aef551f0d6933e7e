// Makes the records of a TensorBoard event file, as bytes.
//
// A record is TensorFlow's TFRecord: length (u64, little-endian), masked CRC-32C of the length, data, masked CRC-32C of
// the data. The data are a protobuf message `Event` (event.proto, summary.proto of TensorBoard 2), of which only what
// is needed here is written, by hand: a protobuf library would be a dependency for five small messages.
// Times are seconds since 1970.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boxseg {

uint32_t crc32c(std::string_view bytes);         // Castagnoli's polynomial; "123456789" gives 0xE3069283
uint32_t masked_crc32c(std::string_view bytes);  // rotated and offset, as TFRecord has it

std::string event_record(std::string_view event);
// Takes one record off the front of `bytes`; false when it is not whole.
bool take_event_record(std::string_view& bytes, std::string_view& event);

std::string version_event(double time);  // the first of every file
// Says that what came before with this step or a later one is void.
std::string session_start_event(double time, int64_t step);
std::string scalars_event(double time, int64_t step, const std::vector<std::pair<std::string, double>>& values);
// `png` is the bytes of a PNG file of an RGB image.
std::string image_event(double time, int64_t step, const std::string& tag, int64_t height, int64_t width,
                        std::string_view png);
std::string text_event(double time, int64_t step, const std::string& tag, std::string_view markdown);

int64_t step_of_event(std::string_view event);  // 0 when it names none, as protobuf has it; -1 when it is no event

}  // namespace boxseg
