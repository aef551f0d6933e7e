#include "common/data/formats/yolo/yaml_subset.h"

#include "tests/formats/reading.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Texts = std::vector<std::string>;

std::map<std::string, YamlValue> read(const std::string& text) {
  const Files files;
  return read_yaml_subset(files.write("a.yaml", text), {"names", "path", "train"});
}

Texts items_of(const std::string& text, const std::string& key = "names") {
  CAPTURE(text);
  const auto values = read(text);
  REQUIRE(values.contains(key));
  Texts texts;
  for (size_t i = 0; i < values.at(key).items.size(); ++i)
    texts.push_back((values.at(key).keys.empty() ? "" : values.at(key).keys[i].text + "=") +
                    values.at(key).items[i].text);
  return texts;
}

std::string refused(const std::string& text) {
  return refusal_of([&] { read(text); });
}

}  // namespace

TEST_CASE("Lists of texts are read in all the ways that tools write them", "[cpu]") {
  const Texts names = {"cat", "it's a dog"};
  for (const char* text :
       {"names: [cat, it's a dog]", "names: ['cat', 'it''s a dog']", "names: [\"cat\", \"it's a dog\"]",
        "names: [ 'cat' , \"it's a dog\" , ]  # two", "names: ['cat',  # the first\n  'it''s a dog']\n",
        "names:\n- cat\n- it's a dog\n", "names:\n  - cat\n\n  # a comment\n  - 'it''s a dog' # here\n",
        "\xEF\xBB\xBF# set\r\n---\r\nnames:\r\n- cat\r\n- it's a dog\r\n", "'names': [cat, it's a dog]",
        "names: [\n'cat',\n\"it's a dog\"\n]\npath: x", "names : [cat, it's a dog]\n...\n"})
    REQUIRE(items_of(text) == names);
}

TEST_CASE("Mappings are read with their keys, and texts stay as they are written", "[cpu]") {
  REQUIRE(items_of("names:\n  0: cat\n  1: 'a: b'\n") == Texts{"0=cat", "1=a: b"});
  REQUIRE(items_of("names: {0: cat, '1': dog}") == Texts{"0=cat", "1=dog"});
  REQUIRE(items_of("names: [no, 007, 1.50, null, C#, a#b, http://x]") ==
          Texts{"no", "007", "1.50", "null", "C#", "a#b", "http://x"});
  REQUIRE(items_of("path: C:\\data\\my set # old\n", "path") == Texts{"C:\\data\\my set"});
  REQUIRE(items_of(R"(names: ["caf\xE9", "\u00e9toile \U0001F600", "a\\b\"c", 'a\b'])") ==
          Texts{"caf\xC3\xA9", "\xC3\xA9toile \xF0\x9F\x98\x80", "a\\b\"c", "a\\b"});
}

TEST_CASE("A key without value, or with null, holds nothing", "[cpu]") {
  for (const char* nothing : {"train:\nnames: [a]", "train: # none\nnames: [a]", "train: ~", "train: null", "train:"})
    REQUIRE(read(nothing).at("train").kind == YamlValue::Kind::nothing);
  REQUIRE(read("train: 'null'").at("train").kind == YamlValue::Kind::text);
}

TEST_CASE("What other keys hold is passed over, however deep it is", "[cpu]") {
  REQUIRE(items_of("roboflow:\n  workspace: x\n  deep:\n    - {a: [b]}\ndownload: |\n  import os\n\n  # x: y\n  a: [\n"
                   "augment: {a: [1, 2],\n  b: 3}\nlist:\n- a: b\n  c: d\nnames: [cat]\n") == Texts{"cat"});
}

TEST_CASE("What is outside of the subset is refused with its line and a way out", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"names: [cat, dog", "a.yaml:1: the bracket that opens here is never closed"},
      {"path: x\nnames: ['cat, dog]", "a.yaml:2: the quote that opens"},
      {"names: [[cat], dog]", "a.yaml:1: behind '' stands '[cat]"},
      {"names: [cat,, dog]", "behind '' stands ', dog"},
      {"names: [cat: dog]", "stands ': dog"},
      {"names: {cat}", "'cat' has no value"},
      {"names: [cat] dog", "has more behind the bracket"},
      {"names:\n  0:\n    name: cat\n", "a.yaml:3: '    name: cat' does not go on as the lines above do"},
      {"names:\n  - cat\n   - dog\n", "a.yaml:3:"},
      {"names:\n  - [cat]\n", "nests a value in a value"},
      {"names:\n  - id: 0\n", "put a text with such characters in quotes"},
      {"names:\n\t- cat\n", "is indented by a tab; use blanks"},
      {"names:\n  - cat\n  1: dog\n", "does not go on as the lines above do"},
      {"path: a: b", "has more behind 'a'"},
      {"path: a\n  b\n", "a.yaml:2: '  b' continues the value of line 1"},
      {"path: &x a", "begins with '&'"},
      {"path: *x", "begins with '*'"},
      {"path: |\n  a\n", "begins with '|'"},
      {"path: 'a' b", "has more behind 'a'"},
      {R"(path: "a\q")", "'\\q' is no escape"},
      {R"(path: "a\uD800")", "'\\uD800' is no escape"},
      {R"(path: "a\x4")", "is no escape"},
      {"names: [a]\nnames: [b]", "a.yaml:2: 'names: [b]' has a key that stands in line 1 already"},
      {"path: a\n---\npath: b", "begins a second document"},
      {"path: a\n...\npath: b", "stands behind the end of the document"},
      {"- cat\n- dog\n", "holds no key"},
      {"{\"names\": [\"cat\"]}", "holds no key"},
      {"cat\ndog\n", "a.yaml:1: 'cat' is not of the kind that is read here"},
      {"  path: a", "is indented, but belongs to nothing above"},
      {"path: caf\xE9", "a.yaml:1: is no UTF-8"},
  };
  for (const auto& [text, words] : cases) {
    CAPTURE(text);
    REQUIRE_THAT(refused(text), Contains(words) && Contains("a.yaml:"));
  }
}
