// The options of a program. Each is declared once with a default, a sentence and a role; INI files set them
// (`--config`, repeatable, later wins), and so does the command line, which wins over all. Each value remembers where
// it came from.
//
//   Stage2Options o;                                      // a plain struct with defaults
//   Options options(stage2_info());                       // name, summary, example, section, fingerprint
//   options.add("threshold", &o.threshold, "share of the maximum below which ...");
//   if (!options.parse(argc, argv)) return 0;             // --help, --version, ... were answered
//
// INI files (ini.h) hold `key = value` under [section]s. A program reads the keys without a section and its own
// section; it passes over what its ProgramInfo says is for other programs, and refuses anything else.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/ini.h"

namespace boxseg {

extern const char* const kVersion;

// Says what an option has to do with the bytes a program writes.
enum class Role {
  result,  // decides the bytes, and is part of resolved(): a change makes the output stale
  input,   // a file or folder whose content (not whose name) decides the bytes
  run,     // does not decide them: device, threads, verbosity
  output,  // does not either: a file or folder to write, which must not be one that the program reads
};

// Holds the options that decide results: name -> value in force, and name -> what it is by default.
struct ResolvedOptions {
  std::map<std::string, std::string> values, defaults;
};

struct ProgramInfo {
  std::string name;         // "stage3_segment train"
  std::string summary;      // one sentence
  std::string example;      // a command line that works when pasted
  std::string section;      // its section of an INI file, "" for none
  std::string fingerprint;  // what its results depend on besides inputs and options; bumped when results change
  // What an INI file may hold for other programs, which this one passes over: sections and keys.
  std::vector<std::string> other_sections = {}, other_keys = {};
};

class Options {
 public:
  explicit Options(ProgramInfo info);

  // The target holds the default and receives the value. Lists are written with commas: 4,55,3.
  // A bool is set by `--name` or `--name=false`.
  void add(const std::string& name, bool* target, const std::string& help, Role role = Role::result);
  void add(const std::string& name, int64_t* target, const std::string& help, Role role = Role::result);
  void add(const std::string& name, double* target, const std::string& help, Role role = Role::result);
  void add(const std::string& name, std::string* target, const std::string& help, Role role = Role::result);
  void add(const std::string& name, std::vector<double>* target, const std::string& help, Role role = Role::result);
  void add(const std::string& name, std::vector<std::string>* target, const std::string& help,
           Role role = Role::result);
  // The value must be one of the choices; anything else is a usage error that lists them.
  void add_choice(const std::string& name, std::string* target, const std::vector<std::string>& choices,
                  const std::string& help, Role role = Role::result);
  // May be given several times on the command line; each time appends (`--split train=A --split val=B`).
  void add_repeated(const std::string& name, std::vector<std::string>* target, const std::string& help,
                    Role role = Role::result);

  // argv[0] is skipped. Positional words are refused, options unknown here are refused with the nearest known one.
  // Returns false when the command line asked for --help, --version, --fingerprint or --print-config: it has
  // been answered on stdout, and the program returns 0. Applies --quiet and --log-level. Refuses an output that is an
  // input file, or neither a file nor a folder.
  bool parse(int argc, const char* const* argv);

  // Applies an INI file, which was read from `path`, as the program named by info.section would.
  void apply(const Ini& ini, const std::filesystem::path& path);
  void set(const std::string& name, const std::string& value, const std::string& origin);

  bool has(const std::string& name) const;
  std::string value(const std::string& name) const;   // canonical text: 0.001 for 1e-3
  std::string origin(const std::string& name) const;  // "default", "PATH:[section]", "command line"
  bool is_default(const std::string& name) const { return origin(name) == "default"; }
  ResolvedOptions resolved() const;  // the options of Role::result
  std::string describe() const;      // what --print-config prints: an INI file with origins
  std::string help() const;
  const ProgramInfo& info() const { return info_; }

  // Every program has these options.
  std::string device = "auto";  // auto, cpu, cuda, cuda:N
  int64_t threads = 0;          // 0 = all
  int64_t seed = 0;
  // `--check FILE` asks a program to verify a file that it wrote, and to do nothing else.
  std::string check_file;

 private:
  struct Option {
    std::string name, help, placeholder;
    Role role;
    bool is_flag, is_repeated;
    std::function<void(const std::string& text)> assign;
    std::function<std::string()> text;
    std::string origin = "default", default_text;
  };
  void declare(const std::string& name, const std::string& help, const std::string& placeholder, Role role,
               std::function<void(const std::string&)> assign, std::function<std::string()> text, bool is_flag = false,
               bool is_repeated = false);
  void read_with_base(const std::filesystem::path& path, int depth = 0);
  Option* find(const std::string& name);
  const Option* find(const std::string& name) const;
  void check_outputs() const;
  [[noreturn]] void refuse_unknown(const std::string& name, const std::string& where) const;

  ProgramInfo info_;
  std::vector<Option> options_;
  std::vector<std::string> config_;
  bool is_quiet_ = false;
  std::string log_level_ = "info";
};

// Throws usage, "--flip 2: expected a probability", unless the condition holds.
template <class Value>
void require_option(bool holds, const char* name, const Value& value, const std::string& expected) {
  if (!holds) fail_usage("--{} {}: expected {}", name, value, expected);
}

// Throws usage where a path that the program cannot do without was not given.
inline void require_given(const std::string& value, const char* name) {
  if (value.empty()) fail_usage("--{} is missing; see --help", name);
}

}  // namespace boxseg
