// Digests of files are remembered.
#include "common/pipeline/stage/digest_cache.h"

#include <unistd.h>

#include <fstream>

#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("the digest cache forgets a file that was written again") {
  test::TemporaryDirectory dir;
  write_file(dir / "a b.txt", "one");
  DigestCache cache;
  cache.load(dir / "cache.txt");
  REQUIRE(cache.digest_of(dir / "a b.txt") == digest_of("one"));
  cache.save();
  DigestCache again;
  again.load(dir / "cache.txt");
  REQUIRE(again.digest_of(dir / "a b.txt") == digest_of("one"));
  write_file(dir / "a b.txt", "two");
  REQUIRE(again.digest_of(dir / "a b.txt") == digest_of("two"));
}

TEST_CASE("the digest cache sees a file that was written in place, with its size and time as before") {
  test::TemporaryDirectory dir;
  const fs::path path = dir / "file";
  write_file(path, "one");
  DigestCache cache;
  cache.load(dir / "cache.txt");
  REQUIRE(cache.digest_of(path) == digest_of("one"));
  const auto time = fs::last_write_time(path);
  ::usleep(20000);  // clocks of file systems move in steps
  std::ofstream(path) << "two";
  fs::last_write_time(path, time);
  REQUIRE(cache.digest_of(path) == digest_of("two"));
}

TEST_CASE("the digest cache keeps nothing of files that are gone, and nothing when it is told to forget") {
  test::TemporaryDirectory dir;
  write_file(dir / "stays", "one");
  write_file(dir / "goes", "two");
  DigestCache cache;
  cache.load(dir / "cache.txt");
  cache.digest_of(dir / "stays");
  cache.digest_of(dir / "goes");
  fs::remove(dir / "goes");
  cache.save();
  REQUIRE_THAT(read_file(dir / "cache.txt"), Contains("/stays\n") && !Contains("/goes"));
  write_file(dir / "cache.txt", "cut sho");
  cache.load(dir / "cache.txt");
  REQUIRE(cache.digest_of(dir / "stays") == digest_of("one"));
  cache.save();
  cache.load(dir / "cache.txt", true);
  REQUIRE(cache.digest_of(dir / "stays") == digest_of("one"));
}
