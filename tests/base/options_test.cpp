// Options: origins, INI files, suggestions, the answers to --help and its like.
#include "common/base/options.h"

#include "common/base/files.h"
#include "common/base/log.h"
#include "tests/base/capture.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// This is a program with an option of each kind.
struct Program {
  bool flag = false;
  int64_t count = 3;
  double rate = 0.001;
  std::string text = "plain", input, mode = "bap";
  std::vector<double> numbers = {4, 55, 3};
  std::vector<std::string> names, split;
  Options options{{"prog", "Does things.", "prog --count 5", "stage2", "7", {"stage1", "stage3"}, {"description"}}};

  Program() {
    options.add("flag", &flag, "a flag");
    options.add("count", &count, "a number of things");
    options.add("rate", &rate, "a rate");
    options.add("text", &text, "some text");
    options.add("input", &input, "a file", Role::input);
    options.add("numbers", &numbers, "weights");
    options.add("names", &names, "class names");
    options.add_choice("mode", &mode, {"bap", "gap"}, "pooling");
    options.add_repeated("split", &split, "NAME=LIST");
  }
  bool parse(std::vector<std::string> words) {
    std::vector<const char*> argv = {"prog"};
    for (const auto& word : words) argv.push_back(word.c_str());
    return options.parse(static_cast<int>(argv.size()), argv.data());
  }
  std::string refusal(std::vector<std::string> words) {
    const Failure failure = failure_of([&] { parse(words); });
    return failure.kind == ErrorKind::usage ? failure.message : "not a usage error: " + failure.message;
  }
};

}  // namespace

TEST_CASE("Options take values of every kind from the command line", "[cpu]") {
  Program p;
  REQUIRE(p.parse({"--flag", "--count", "5", "--rate=1e-2", "--text", "two words", "--numbers", "1, 2.5",
                   "--names=a,b c", "--mode", "gap", "--split", "train=A", "--split", "val=B", "--threads=2"}));
  REQUIRE(p.flag);
  REQUIRE(p.count == 5);
  REQUIRE(p.rate == 0.01);
  REQUIRE(p.text == "two words");
  REQUIRE(p.numbers == std::vector<double>{1, 2.5});
  REQUIRE(p.names == std::vector<std::string>{"a", "b c"});
  REQUIRE(p.mode == "gap");
  REQUIRE(p.split == std::vector<std::string>{"train=A", "val=B"});
  REQUIRE(p.options.threads == 2);
}

TEST_CASE("A flag is set alone or with a value, and takes no other word", "[cpu]") {
  Program off;
  off.flag = true;
  REQUIRE(off.parse({"--flag=false"}));
  REQUIRE_FALSE(off.flag);
  REQUIRE_THAT(Program().refusal({"--flag", "stray"}), Contains("stray"));
  REQUIRE_THAT(Program().refusal({"--flag=maybe"}), Contains("--flag: 'maybe' is neither true nor false"));
}

TEST_CASE("Every value remembers where it came from, and the command line wins", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "a.ini",
             "# a comment\nrate = 0.5\ncount=8\n[stage2]\ntext = from the section\n[stage3]\nunknown-here = 1\n");
  write_file(dir / "b.ini", "; another\nrate = 0.25\n");
  Program p;
  REQUIRE(p.parse({"--count", "9", "--config", (dir / "a.ini").string(), "--config", (dir / "b.ini").string()}));
  REQUIRE(p.count == 9);
  REQUIRE(p.rate == 0.25);
  REQUIRE(p.text == "from the section");
  REQUIRE(p.options.origin("count") == "command line");
  REQUIRE(p.options.origin("rate") == (dir / "b.ini").string());
  REQUIRE(p.options.origin("text") == (dir / "a.ini").string() + ":[stage2]");
  REQUIRE(p.options.origin("mode") == "default");
  REQUIRE(p.options.is_default("mode"));
  REQUIRE_FALSE(p.options.is_default("rate"));
  REQUIRE_THAT(p.options.describe(), Contains("# command line\ncount = 9\n"));
  REQUIRE_THAT(p.options.describe(), Contains("[stage2]\n"));
}

TEST_CASE("What --print-config prints is a configuration that gives the same values", "[cpu]") {
  const TemporaryDirectory dir;
  Program p, again;
  REQUIRE(p.parse({"--rate", "1e-7", "--numbers", "0.1,3", "--flag", "--text", "a = b # c"}));
  write_file(dir / "a.ini", p.options.describe());
  REQUIRE(again.parse({"--config", (dir / "a.ini").string()}));
  REQUIRE(again.options.resolved().values == p.options.resolved().values);
}

TEST_CASE("Underscores and dashes are the same in INI keys", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "a.ini", "log_level = warning\n");
  const LogLevel before = log_level();
  Program p;
  REQUIRE(p.parse({"--config", (dir / "a.ini").string()}));
  REQUIRE(log_level() == LogLevel::warning);
  set_log_level(before);
}

TEST_CASE("Values are resolved to one canonical text, without what does not decide the result", "[cpu]") {
  Program p;
  REQUIRE(p.parse({"--rate", "1e-3", "--input", "x.h5", "--threads", "2", "--device", "cpu"}));
  const auto resolved = p.options.resolved().values;
  REQUIRE(resolved.at("rate") == "0.001");
  REQUIRE(resolved.at("numbers") == "4,55,3");
  REQUIRE(resolved.at("flag") == "false");
  REQUIRE(resolved.contains("seed"));
  for (const char* name : {"input", "threads", "device", "config", "quiet", "log-level"})
    REQUIRE_FALSE(resolved.contains(name));
}

TEST_CASE("Unknown options suggest the nearest, on the command line and in files", "[cpu]") {
  REQUIRE_THAT(Program().refusal({"--cuont", "3"}), Contains("unknown option --cuont, did you mean --count?"));
  REQUIRE_THAT(Program().refusal({"--learning-rate=3"}), Contains("unknown option --learning-rate; --help lists all"));
  REQUIRE_THAT(Program().refusal({"--cuont=3"}), Contains("unknown option --cuont, did you mean --count?"));
  // Beginnings of names are not guessed.
  REQUIRE_THAT(Program().refusal({"--coun", "3"}), Contains("did you mean --count?"));
  const TemporaryDirectory dir;
  const std::string path = (dir / "a.ini").string();
  const auto refusal = [&](const std::string& text) {
    write_file(path, text);
    return Program().refusal({"--config", path});
  };
  REQUIRE_THAT(refusal("[stage2]\nreate = 1\n"),
               Contains(path + ":[stage2]: unknown option reate, did you mean rate?"));
  REQUIRE_THAT(refusal("[stgae2]\nrate = 1\n"), Contains("did you mean [stage2]?"));
  REQUIRE_THAT(refusal("[stage2]\ndescribe = bop\n"), Contains("unknown option describe"));
  REQUIRE_THAT(refusal("[stage2]\nmode = bop\n"), Contains(path + ":[stage2]: --mode: 'bop' is not one of bap, gap"));
  REQUIRE_THAT(refusal("rate = fast\n"), Contains(path + ": --rate: 'fast' is not a number"));
  REQUIRE_THAT(refusal("rate\n"), Contains(path + ":1: 'rate' is not of the form key = value"));
  REQUIRE_THAT(refusal("\n[stage2\n"), Contains(path + ":2: '[stage2' lacks its closing bracket"));
  REQUIRE_THAT(refusal("rate = 1\nrate = 2\n"), Contains(path + ":2: 'rate' is set twice"));
  const Failure absent = failure_of([&] { Program().parse({"--config", (dir / "absent.ini").string()}); });
  REQUIRE(absent.kind == ErrorKind::bad_input);
}

TEST_CASE("Wrong values and stray words are usage errors that name the option", "[cpu]") {
  REQUIRE_THAT(Program().refusal({"--count", "many"}), Contains("--count: 'many' is not an integer"));
  REQUIRE_THAT(Program().refusal({"--count", "1.5"}), Contains("--count: '1.5' is not an integer"));
  REQUIRE_THAT(Program().refusal({"--numbers", "1,x"}), Contains("--numbers: 'x' is not a number"));
  REQUIRE_THAT(Program().refusal({"--mode", "gpa"}), Contains("did you mean 'gap'?"));
  REQUIRE_THAT(Program().refusal({"stray"}), Contains("'stray' was not expected"));
  REQUIRE_THAT(Program().refusal({"--count"}), Contains("count"));
  REQUIRE_THAT(Program().refusal({"--log-level", "loud"}), Contains("loud"));
}

TEST_CASE("Questions are answered on stdout and end the program", "[cpu]") {
  const auto answer = [](const std::string& question) {
    bool goes_on = true;
    const std::string text = printed(STDOUT_FILENO, [&] { goes_on = Program().parse({"--count", "4", question}); });
    return goes_on ? "goes on" : text;
  };
  REQUIRE(answer("--version") == std::string("boxseg ") + kVersion + "\n");
  REQUIRE(answer("--fingerprint") == "7\n");
  REQUIRE_THAT(answer("--print-config"), Contains("# command line\ncount = 4\n"));
  const std::string help = answer("--help");
  REQUIRE_THAT(help, Contains("prog: Does things."));
  REQUIRE_THAT(help, Contains("Example:\n  prog --count 5\n"));
  REQUIRE_THAT(help, Contains("--mode bap|gap"));
  REQUIRE_THAT(help, Contains("weights (default: 4,55,3)"));
}

TEST_CASE("plan reads the options of a stage without a command line", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "a.ini", "from = bap\ndescription = a variant\n[stage2]\nrate = 0.5\n");
  Program p;
  p.options.apply(read_ini_file(dir / "a.ini"), dir / "a.ini");
  p.options.set("count", "11", "variant");
  REQUIRE(p.rate == 0.5);
  REQUIRE(p.options.value("count") == "11");
  REQUIRE(p.options.origin("count") == "variant");
  REQUIRE(p.options.has("mode"));
  REQUIRE_FALSE(p.options.has("absent"));
  REQUIRE(failure_of([&] { p.options.set("absent", "1", "variant"); }).kind == ErrorKind::usage);
  REQUIRE(failure_of([&] { static_cast<void>(p.options.value("absent")); }).kind == ErrorKind::failed);
}

TEST_CASE("A program without a section reads keys alone", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path path = dir / "a.ini";
  Options options({"prog", "Does.", "prog", "", "1"});
  int64_t count = 1;
  options.add("count", &count, "a number of things");
  write_file(path, "count = 2\n");
  options.apply(read_ini_file(path), path);
  REQUIRE(count == 2);
  write_file(path, "[stage1]\ncount = 3\n");
  REQUIRE_THAT(usage_message_of([&] { options.apply(read_ini_file(path), path); }),
               Contains("[stage1]: unknown section; prog reads keys without a section alone"));
}

TEST_CASE("An INI file is read whole, by section", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "a.ini", "top = 1\r\n[ a ]\nkey_one = x = y\nempty =\n[b]\n");
  const Ini ini = read_ini_file(dir / "a.ini");
  REQUIRE(ini.size() == 3);
  REQUIRE(ini.at("").at("top") == "1");
  REQUIRE(ini.at("a").at("key-one") == "x = y");
  REQUIRE(ini.at("a").at("empty").empty());
  REQUIRE(ini.at("b").empty());
}

TEST_CASE("The names that other programs have for an option lead to ours", "[cpu]") {
  double rate = 0;
  int64_t batch = 0;
  std::string init;
  Options options({"prog", "Does.", "prog", "stage1", "1"});
  options.add("learning-rate", &rate, "of weights");
  options.add("batch", &batch, "images per step");
  options.add("init", &init, "initial weights", Role::input);
  const auto said = [&](const std::string& word) {
    const std::vector<const char*> argv = {"prog", word.c_str()};
    return usage_message_of([&] { options.parse(2, argv.data()); });
  };
  REQUIRE(said("--lr=0.1").find("unknown option --lr, did you mean --learning-rate?") != std::string::npos);
  REQUIRE(said("--batch-size=3").find("did you mean --batch?") != std::string::npos);
  // This program has no --checkpoint.
  REQUIRE(said("--weights=a").find("did you mean --init?") != std::string::npos);
  REQUIRE(said("--workers=2").find("did you mean --threads?") != std::string::npos);
  REQUIRE(said("--epochs=2").find("did you mean") == std::string::npos);  // this program has no --iterations
  const TemporaryDirectory dir;
  write_file(dir / "a.ini", "[stage1]\nlr = 0.1\n");
  REQUIRE(usage_message_of([&] {
            options.apply(read_ini_file(dir / "a.ini"), dir / "a.ini");
          }).find("did you mean learning-rate?") != std::string::npos);
}

TEST_CASE("A preset that builds on another brings it along, and one that cannot says so", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "base.ini", "[stage2]\ncount = 7\nrate = 0.25\ntext = far\n");
  write_file(dir / "small.ini", "from = base\n[stage2]\nrate = 0.5\n");
  write_file(dir / "smaller.ini", "from = small\ndescription = the least\n[stage2]\ncount = 2\n");
  write_file(dir / "lost.ini", "from = nowhere\n");
  write_file(dir / "loop.ini", "from = loop\n");
  const auto config = [&](const char* name) { return "--config=" + (dir / name).string(); };
  Program p;
  REQUIRE(p.parse({config("smaller.ini")}));
  REQUIRE(p.count == 2);
  REQUIRE(p.rate == 0.5);
  REQUIRE(p.text == "far");
  REQUIRE(Program().refusal({config("lost.ini")}).find("builds on 'nowhere', but ") != std::string::npos);
  REQUIRE(Program().refusal({config("loop.ini")}).find("builds on itself") != std::string::npos);
}
