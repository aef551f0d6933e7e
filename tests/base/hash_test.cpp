// Digests give known values of XXH3, and keep the boundaries of their pieces.
#include "common/base/hash.h"

#include <set>

#include "common/base/files.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("Digests are XXH3's, on every machine", "[cpu]") {
  REQUIRE(digest_of("") == "99aa06d3014798d86001c324468d497f");
  REQUIRE(stable_hash64("") == 0x2d06800538d394c2u);
}

TEST_CASE("The digest of a file is that of its bytes", "[cpu]") {
  const TemporaryDirectory dir;
  std::string bytes;
  for (int i = 0; i < 3000000; ++i) bytes.push_back(static_cast<char>(i * 31 >> 3));
  write_file(dir / "a", bytes);
  REQUIRE(digest_of_file(dir / "a") == digest_of(bytes));
  bytes[2999999] ^= 1;
  REQUIRE(digest_of_file(dir / "a") != digest_of(bytes));
  REQUIRE(failure_of([&] { digest_of_file(dir / "absent"); }).kind == ErrorKind::bad_input);
}

TEST_CASE("A hasher keeps the boundaries of its pieces", "[cpu]") {
  const std::set<Digest> digests = {Hasher().text("ab").text("c").digest(),
                                    Hasher().text("a").text("bc").digest(),
                                    Hasher().text("abc").digest(),
                                    Hasher().text("abc").text("").digest(),
                                    Hasher().digest(),
                                    Hasher().number(7).digest()};
  REQUIRE(digests.size() == 6);
  REQUIRE(Hasher().text("ab").text("c").digest() == Hasher().bytes("ab", 2).bytes("c", 1).digest());
  Hasher hasher;
  hasher.text("x");
  const Digest first = hasher.digest();
  REQUIRE(first.size() == 32);
  REQUIRE(hasher.digest() == first);  // asking does not change it
}
