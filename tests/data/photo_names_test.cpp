// Which photograph an annotation means.
#include "common/data/photo_names.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

PhotoNames names_of(const std::vector<std::string>& names) {
  std::map<std::string, fs::path> photos;
  for (const auto& name : names) photos[name] = "photos/" + name;
  return PhotoNames(photos);
}

std::vector<std::string> found(const PhotoNames& names, const std::string& name) { return names.find(name).names; }

}  // namespace

TEST_CASE("an annotation's name is looked for as it is, then without its folders", "[cpu]") {
  const auto names = names_of({"a.jpg", "set 1/b.jpg", "set 2/b.jpg", "été/c d.JPG"});
  REQUIRE(found(names, "a.jpg") == std::vector<std::string>{"a.jpg"});
  REQUIRE(found(names, "/data/photos/a.jpg") == std::vector<std::string>{"a.jpg"});
  REQUIRE(found(names, "C:\\photos\\set 2\\b.jpg") == std::vector<std::string>{"set 2/b.jpg"});
  REQUIRE(found(names, "./set 1/../set 1/b.jpg") == std::vector<std::string>{"set 1/b.jpg"});
  REQUIRE(found(names, "b.jpg") == std::vector<std::string>{"set 1/b.jpg", "set 2/b.jpg"});
  REQUIRE(found(names, "elsewhere/c d.JPG") == std::vector<std::string>{"été/c d.JPG"});
  REQUIRE(found(names, "z.jpg").empty());
  REQUIRE_FALSE(names.find("b.jpg").is_guess);
  REQUIRE(names.find("set 3/b.jpg").is_guess);  // of another folder
  REQUIRE(found(names, "set 2/b") == std::vector<std::string>{"set 2/b.jpg"});
  REQUIRE_FALSE(names.find("/data/photos/a.jpg").is_guess);
}

TEST_CASE("other capitals and another suffix are guesses, a missing suffix is none", "[cpu]") {
  const auto names = names_of({"A.jpg", "v1.2.png"});
  REQUIRE(names.find("a.JPG").names == std::vector<std::string>{"A.jpg"});
  REQUIRE(names.find("a.JPG").is_guess);
  REQUIRE(names.find("A.png").names == std::vector<std::string>{"A.jpg"});
  REQUIRE(names.find("A.png").is_guess);
  REQUIRE(names.find("labels/A").names == std::vector<std::string>{"A.jpg"});
  REQUIRE_FALSE(names.find("labels/A").is_guess);
  REQUIRE(names.find("v1.2").names == std::vector<std::string>{"v1.2.png"});
  REQUIRE_FALSE(names.find("v1.2").is_guess);
}
