#include "common/io/tensorboard/event_file.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/markdown.h"
#include "common/io/tensorboard/event_record.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size();) {
    if (hex[i] == ' ') {
      ++i;
      continue;
    }
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    i += 2;
  }
  return bytes;
}

// Returns the events of all files of a folder, in order, without their times (a tag and 8 bytes in front).
std::vector<std::string> events_in(const fs::path& dir) {
  std::vector<std::string> events;
  for (const fs::path& path : event_files(dir)) {
    const std::string bytes = read_file(path);
    std::string_view rest(bytes), event;
    while (take_event_record(rest, event)) events.emplace_back(event.substr(9));
    REQUIRE(rest.empty());
  }
  return events;
}

std::string without_time(const std::string& event) { return event.substr(9); }
std::string version() { return without_time(version_event(0)); }
std::string start(int64_t step) { return without_time(session_start_event(0, step)); }
std::string loss(int64_t step, double value) { return without_time(scalars_event(0, step, {{"loss", value}})); }

// Logs steps 10, 20, ... as a training run does.
void log_steps(EventFile& events, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; step += 10)
    events.add_scalars(step, {{"loss", 1.0 / static_cast<double>(step)}});
}

}  // namespace

TEST_CASE("CRC-32C has its published check value, and TFRecord's mask", "[events]") {
  CHECK(crc32c("123456789") == 0xE3069283u);
  // 0xE3069283 rotated right by 15 is 0x2507C60D; plus 0xA282EAD8.
  CHECK(masked_crc32c("123456789") == 0xC78AB0E5u);
}

TEST_CASE("a record of a scalar is TensorFlow's, byte for byte", "[events]") {
  const std::string event = from_hex(
      "09 000000000000F83F"  // 1: wall_time = 1.5
      "10 AC02"              // 2: step = 300
      "2A 0D 0A 0B"          // 5: summary of 13 bytes, 1: value of 11
      "0A 04 6C6F7373"       // 1: tag = "loss"
      "15 0000803E");        // 2: simple_value = 0.25
  CHECK(scalars_event(1.5, 300, {{"loss", 0.25}}) == event);
  const std::string record = event_record(event);
  CHECK(record.substr(0, 8) == from_hex("1B00000000000000"));
  CHECK(record.substr(12, event.size()) == event);
  // TensorBoard's own masked_crc32c() gives these for these 8 and these 27 bytes.
  CHECK(record.substr(8, 4) == from_hex("1A0D9E13"));
  CHECK(record.substr(12 + event.size()) == from_hex("9908DEED"));
}

TEST_CASE("texts, pictures and starts have the fields of their messages", "[events]") {
  CHECK(without_time(text_event(0, 0, "t", "ab")) ==
        from_hex("10 00 2A 1B 0A 19 0A 01 74"        // step 0, summary, value, tag
                 "4A 0A 0A 06 0A 04 74657874 20 02"  // 9: metadata: plugin "text", data class 2, a tensor
                 "42 08 08 07 12 00 42 02 6162"));   // 8: tensor of strings without axes
  CHECK(without_time(image_event(0, 1, "t", 2, 300, "PNG")) ==
        from_hex("10 01 2A 13 0A 11 0A 01 74"
                 "22 0C 08 02 10 AC02 18 03 22 03 504E47"));  // 4: image: height, width, 3 colours, the file
  CHECK(start(7) == from_hex("10 07 3A 02 08 01"));
  CHECK(step_of_event(scalars_event(1, 1234567, {{"a", 1}, {"b", 2}})) == 1234567);
  CHECK(step_of_event(version_event(1)) == 0);
  CHECK(step_of_event("no event") == -1);
}

TEST_CASE("a damaged or cut record is not taken", "[events]") {
  const std::string whole = event_record(scalars_event(1, 2, {{"loss", 3}}));
  std::string_view event;
  for (size_t size = 0; size < whole.size(); ++size) {
    std::string_view cut = std::string_view(whole).substr(0, size);
    CHECK_FALSE(take_event_record(cut, event));
    std::string changed = whole;
    changed[size] ^= 4;
    std::string_view rest(changed);
    CHECK_FALSE(take_event_record(rest, event));
  }
  std::string_view rest(whole);
  CHECK(take_event_record(rest, event));
  CHECK(rest.empty());
}

TEST_CASE("a resumed run cuts off the steps that no checkpoint vouches for", "[events]") {
  const TemporaryDirectory dir;
  {
    EventFile events(dir.path(), 0);
    CHECK_FALSE(events.is_continued());
    events.add_text(0, "options", "a");
    log_steps(events, 10, 50);
  }
  std::string cut = read_file(event_files(dir.path()).at(0));
  write_file(event_files(dir.path()).at(0), cut.substr(0, cut.size() - 3));  // a kill cut the last record
  write_file(dir / "events.out.tfevents.12.somebody", "of another program");
  const std::string text = without_time(text_event(0, 0, "options", "a"));
  {
    EventFile events(dir.path(), 27);
    CHECK(events.is_continued());
    log_steps(events, 30, 40);
  }
  const std::vector<std::string> first = {version(), start(1), text, loss(10, 0.1), loss(20, 0.05)};
  const auto followed_by = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = first;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  CHECK(events_in(dir.path()) == followed_by({version(), start(28), loss(30, 1.0 / 30), loss(40, 0.025)}));
  {
    EventFile events(dir.path(), 27);  // the second start has come to nothing
    log_steps(events, 30, 30);
  }
  CHECK(events_in(dir.path()) == followed_by({version(), start(28), loss(30, 1.0 / 30)}));
  {
    EventFile events(dir.path(), 0);
    CHECK_FALSE(events.is_continued());
  }
  CHECK(events_in(dir.path()) == std::vector<std::string>{version(), start(1)});
  CHECK(read_file(dir / "events.out.tfevents.12.somebody") == "of another program");
}

TEST_CASE("every start has a file of its own, later in the order of names", "[events]") {
  const TemporaryDirectory dir;
  std::vector<std::string> names;
  for (const int64_t last_step : {0, 10, 20}) {
    EventFile events(dir.path(), last_step);
    log_steps(events, last_step + 10, last_step + 10);
    names.push_back(event_files(dir.path()).back().filename().string());
  }
  CHECK(event_files(dir.path()).size() == 3);
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK_THAT(names.at(0), StartsWith("events.out.tfevents.") && EndsWith(".boxseg"));
}

TEST_CASE("an event file that cannot be written is named", "[events]") {
  const TemporaryDirectory dir;
  const Failure failure = failure_of([&] { EventFile(dir / "no such folder", 0); });
  CHECK(failure.kind == ErrorKind::failed);
  CHECK(failure.mentions("no such folder/events.out.tfevents."));
}

TEST_CASE("a table of options survives what stands in it", "[events]") {
  CHECK(markdown_table({"option", "value"}, {{"loss", "nal"}, {"init", "a|b\nc"}}) ==
        "| option | value |\n|---|---|\n| loss | nal |\n| init | a\\|b c |\n");
}
