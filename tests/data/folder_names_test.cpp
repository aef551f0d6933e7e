#include "common/data/folder_names.h"

#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::vector<std::string> kJpgOrPng = {".jpg", ".png"};
const std::string kWhole = "caf\xC3\xA9", kDecomposed = "cafe\xCC\x81";

}  // namespace

TEST_CASE("Files of an id are found whatever the case of their suffix, in the order of suffixes") {
  const TemporaryDirectory dir;
  for (const char* name : {"a.Jpg", "b.png", "b.JPG", "b.jpg", "b.txt", "c d/e.f.JPG", "._a.jpg"})
    write_file(dir.path() / name, "");
  const FolderNames names(dir.path());
  REQUIRE(names.find("a", kJpgOrPng) == std::vector<std::string>{"a.Jpg"});
  REQUIRE(names.find("b", kJpgOrPng) == std::vector<std::string>{"b.JPG", "b.jpg", "b.png"});
  REQUIRE(names.find("c d/e.f", kJpgOrPng) == std::vector<std::string>{"c d/e.f.JPG"});
  REQUIRE(names.find("A", kJpgOrPng).empty());
  REQUIRE(names.find("x/y", kJpgOrPng).empty());
  fs::create_directories(dir / "folder.jpg");
  REQUIRE(FolderNames(dir.path()).find("folder", kJpgOrPng).empty());
  REQUIRE(FolderNames(dir / "nowhere").find("a", kJpgOrPng).empty());
}

TEST_CASE("A file nearly of the name is told with what differs") {
  const TemporaryDirectory dir;
  write_file(dir / "img/PIC.jpg", "");
  write_file(dir / "img/scan.gif", "");
  write_file(dir.path() / "img" / (kDecomposed + ".jpg"), "");
  const FolderNames names(dir / "img");
  REQUIRE_THAT(names.near_miss("pic", kJpgOrPng), Contains("there is img/PIC.jpg, which differs in capital letters"));
  REQUIRE_THAT(names.near_miss("scan", kJpgOrPng), Contains("there is img/scan.gif, but expected is .jpg, .png"));
  REQUIRE_THAT(names.near_miss("PIC.jpg", kJpgOrPng), Contains("leave the suffix away"));
  REQUIRE_THAT(names.near_miss(kWhole, kJpgOrPng), Contains("whose accents are other bytes") && Contains("convmv"));
  write_file(dir / "more/a.png.JPG", "");
  write_file(dir / "more/b.v2.jpg", "");
  const FolderNames more(dir / "more");
  REQUIRE_THAT(more.near_miss("a", kJpgOrPng), Contains("there is more/a.png.JPG: rename it a.jpg"));
  REQUIRE(more.near_miss("b", kJpgOrPng).empty());  // another image, it may be
  REQUIRE(names.near_miss("cafe", kJpgOrPng).empty());
  REQUIRE(names.near_miss("scan", kJpgOrPng, true).empty());
  REQUIRE(names.near_miss("other", kJpgOrPng).empty());
}

TEST_CASE("Names look alike in another case or form of accents, and not otherwise") {
  REQUIRE(look_alike(kWhole, kDecomposed));
  REQUIRE(look_alike(kDecomposed, kWhole));
  REQUIRE(look_alike("\xED\x95\x9C", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"));  // Hangul, one syllable
  REQUIRE(look_alike("\xE3\x81\x8C", "\xE3\x81\x8B\xE3\x82\x99"));              // Japanese "ga"
  REQUIRE(look_alike("IMG_1", "img_1"));
  REQUIRE_FALSE(look_alike("\xE5\x9B\xBE\x31", "\xE7\x85\xA7\x31"));  // two Chinese names of one length
  REQUIRE_FALSE(look_alike(kWhole, "cafe"));
  REQUIRE_FALSE(look_alike("a", "ab"));
  REQUIRE_FALSE(look_alike(kWhole, "caf\xC3\xA8"));
}
