#include "common/data/class_list.h"

#include "common/base/log.h"
#include "tests/base/capture.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

struct Read {
  std::vector<std::string> names;
  std::string said;
};

Read read(const std::string& text) {
  const TemporaryDirectory dir;
  write_file(dir / "classes.txt", text);
  set_log_level(LogLevel::warning);
  Read result;
  result.said = printed(STDERR_FILENO, [&] { result.names = read_class_list(dir / "classes.txt"); });
  return result;
}

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

const std::vector<std::string> kCatAndDog = {"background", "cat", "dog"};

}  // namespace

TEST_CASE("Plain class lists are taken in silence, with or without the background") {
  for (const std::string text : {"cat\ndog\n", "background\ncat\ndog", "cat\r\ndog\r\n\r\n", "  cat \n\tdog\n\n",
                                 "\xEF\xBB\xBF"
                                 "cat\ndog\n",
                                 "\xEF\xBB\xBF"
                                 "background\ncat\ndog\n"}) {
    CAPTURE(text);
    const Read r = read(text);
    REQUIRE(r.names == kCatAndDog);
    REQUIRE(r.said.empty());
  }
}

TEST_CASE("What else may stand in front of the classes shifts none of them, and is said") {
  const std::vector<std::pair<std::string, std::string>> lists = {
      {"_background_\ncat\ndog\n", "'_background_' is taken as the background"},
      {"__background__\ncat\ndog\n", "'__background__' is taken as the background"},
      {"Background\ncat\ndog\n", "'Background' is taken as the background"},
      {"BACKGROUND\r\ncat\r\ndog\r\n", "'BACKGROUND' is taken as the background"},
      {"__ignore__\n_background_\ncat\ndog\n", "'__ignore__' is taken as void"},
      {"__ignore__\ncat\ndog\n", "'__ignore__' is taken as void"},
      {"# my classes\ncat\ndog\n", "classes.txt:1: '# my classes' is taken as a comment"},
      {"\xEF\xBB\xBF# mine\nbackground\ncat\n#and\ndog\n", "classes.txt:4: '#and' is taken as a comment"},
      {"cat\n\ndog\n", "classes.txt:2: is empty"},
      {"\n\ncat\ndog\n", "classes.txt:1: is empty"},
  };
  for (const auto& [text, said] : lists) {
    CAPTURE(text);
    const Read r = read(text);
    REQUIRE(r.names == kCatAndDog);
    REQUIRE_THAT(r.said, Contains(said));
  }
}

TEST_CASE("Class lists that cannot be meant are refused with the name and the reason") {
  REQUIRE_THAT(refusal("cat\nBackground\ndog\n"), Contains("'Background' stands behind 'cat'"));
  REQUIRE_THAT(refusal("cat\ndog\n__ignore__\n"), Contains("'__ignore__' stands behind 'dog'"));
  REQUIRE_THAT(refusal("_background_\nbackground\ncat\n"), Contains("'background' stands behind the background"));
  REQUIRE_THAT(refusal("cat\ndog\ncat\n"), Contains("'cat' stands twice"));
  REQUIRE_THAT(refusal("# nothing\n\n"), Contains("names no class"));
  REQUIRE_THAT(refusal("__ignore__\n_background_\n"), Contains("names no class"));
  REQUIRE_THAT(refusal("cat\ncaf\xE9\n"), Contains("class name 2 is no UTF-8"));
  REQUIRE_THAT(refusal("cat\rdog\r"), Contains("class name 1 holds a control character"));
  REQUIRE_THAT(refusal(std::string("c\0a\0t\0\n\0", 8)), Contains("UTF-16"));
}

TEST_CASE("Class lists of other formats are refused, and names that only look so are not") {
  REQUIRE_THAT(refusal("# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\n"),
               Contains("'background:0,0,0::' looks like a line of CVAT's labelmap.txt; write one plain name a line"));
  REQUIRE_THAT(refusal("1 cat\n2 dog\n"), Contains("'1 cat' looks like a number and a name"));
  REQUIRE_THAT(refusal("0: cat\n1: dog\n"), Contains("looks like a number and a name"));
  REQUIRE_THAT(refusal("[\"cat\", \"dog\"]\n"), Contains("looks like JSON, YAML or a pbtxt"));
  REQUIRE_THAT(refusal("item {\n  id: 1\n  name: 'cat'\n}\n"), Contains("looks like JSON, YAML or a pbtxt"));
  REQUIRE_THAT(refusal("names:\n- cat\n- dog\n"), Contains("looks like JSON, YAML or a pbtxt"));
  REQUIRE(read("5 euro\n10 euro\n").names == std::vector<std::string>{"background", "5 euro", "10 euro"});
  REQUIRE(read("2 wheels\ncar\n").names == std::vector<std::string>{"background", "2 wheels", "car"});
  REQUIRE(read("7up\n4x4\n").names == std::vector<std::string>{"background", "7up", "4x4"});
}

TEST_CASE("A class may be called void or ignore, and may hold the word background") {
  REQUIRE(read("ignore\nvoid\nbackground noise\n").names ==
          std::vector<std::string>{"background", "ignore", "void", "background noise"});
}
