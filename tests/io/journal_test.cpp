// A journal finds again what a killed program had finished, and nothing else.
#include "common/io/journal.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

#include "common/base/files.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

JournalRecord record(int i) {
  return {fmt::format("image {}", i), std::string(static_cast<size_t>(i * 37 % 101), static_cast<char>(i))};
}

void require_records(const Journal& journal, int count) {
  REQUIRE(journal.found().size() == static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    REQUIRE(journal.found()[static_cast<size_t>(i)].key == record(i).key);
    REQUIRE(journal.found()[static_cast<size_t>(i)].payload == record(i).payload);
  }
}

}  // namespace

TEST_CASE("A journal finds what was appended, in order, and goes on", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path path = dir / "folder/to/make/journal";
  {
    Journal journal(path, "run");
    require_records(journal, 0);
    for (int i = 0; i < 5; ++i) journal.append(record(i));
    journal.sync();
  }
  {
    Journal journal(path, "run");
    require_records(journal, 5);
    journal.append(record(5));
  }
  Journal journal(path, "run");
  require_records(journal, 6);
  journal.remove();
  REQUIRE_FALSE(fs::exists(path));
  REQUIRE(failure_of([&] { journal.append(record(0)); }).kind == ErrorKind::failed);
}

TEST_CASE("A journal of another run is discarded", "[cpu]") {
  const TemporaryDirectory dir;
  {
    Journal journal(dir / "j", "run 1");
    journal.append(record(0));
  }
  { require_records(Journal(dir / "j", "run 2"), 0); }
  require_records(Journal(dir / "j", "run 1"), 0);
}

TEST_CASE("A journal cut at any byte keeps every whole record before the cut, and can be continued", "[cpu]") {
  const TemporaryDirectory dir;
  std::vector<size_t> ends;
  {
    Journal journal(dir / "j", "run");
    ends.push_back(fs::file_size(dir / "j"));
    for (int i = 0; i < 6; ++i) {
      journal.append(record(i));
      ends.push_back(fs::file_size(dir / "j"));
    }
  }
  const std::string whole = read_file(dir / "j");
  for (size_t size = 0; size <= whole.size(); ++size) {
    write_plain(dir / "cut", std::string_view(whole).substr(0, size));
    int expected = -1;
    for (const size_t end : ends)
      if (end <= size) ++expected;
    expected = std::max(expected, 0);
    INFO("cut to " << size);
    {
      Journal journal(dir / "cut", "run");
      require_records(journal, expected);
      journal.append(record(expected));
    }
    require_records(Journal(dir / "cut", "run"), expected + 1);
  }
}

TEST_CASE("A changed byte ends the journal before its record", "[cpu]") {
  const TemporaryDirectory dir;
  size_t second = 0;
  {
    Journal journal(dir / "j", "run");
    journal.append(record(0));
    second = fs::file_size(dir / "j");
    for (int i = 1; i < 4; ++i) journal.append(record(i));
  }
  const std::string whole = read_file(dir / "j");
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    write_plain(dir / "changed", changed);
    const Journal journal(dir / "changed", "run");
    INFO("changed at " << at);
    REQUIRE(journal.found().size() < 4);
    if (at >= second) REQUIRE(journal.found().size() >= 1);
    for (size_t i = 0; i < journal.found().size(); ++i)
      REQUIRE(journal.found()[i].payload == record(static_cast<int>(i)).payload);
  }
}

TEST_CASE("Threads may append at once", "[cpu]") {
  const TemporaryDirectory dir;
  {
    Journal journal(dir / "j", "run");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        const std::string payload(1000, static_cast<char>(t));
        for (int i = 0; i < 50; ++i) journal.append({std::to_string(t * 50 + i), payload});
      });
    for (auto& thread : threads) thread.join();
  }
  const Journal journal(dir / "j", "run");
  std::set<std::string> keys;
  for (const auto& r : journal.found()) keys.insert(r.key);
  REQUIRE(keys.size() == 200);
}

TEST_CASE("A full disk while appending is an error that keeps the records before it", "[cpu]") {
  const TemporaryDirectory dir;
  {
    Journal journal(dir / "j", "run");
    journal.append(record(0));
    {
      const SmallDisk disk(fs::file_size(dir / "j") + 100);
      const Failure failure = failure_of([&] { journal.append({"big", std::string(5000, 'x')}); });
      REQUIRE(failure.kind == ErrorKind::failed);
      REQUIRE(failure.mentions("cannot be written"));
    }
    journal.append(record(1));  // there is space again
  }
  require_records(Journal(dir / "j", "run"), 2);
}

TEST_CASE("A process killed while it appends loses at most the record it was writing", "[cpu]") {
  const TemporaryDirectory dir;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    Journal journal(dir / "j", "run");
    for (int i = 0;; ++i) {
      journal.append(record(i));
      if (i == 300 && write(ready[1], "x", 1) != 1) _exit(1);
    }
  }
  char byte;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  const Journal journal(dir / "j", "run");
  REQUIRE(journal.found().size() > 300);
  require_records(journal, static_cast<int>(journal.found().size()));
}
