#include "common/base/options.h"

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <cstdio>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"

namespace boxseg {

const char* const kVersion = "0.1.0";

namespace {

namespace po = boost::program_options;

bool parse_bool(const std::string& text, const std::string& name) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  fail_usage("--{}: '{}' is neither true nor false", name, text);
}

// These are the names that other programs of the field give to options of ours.
constexpr std::pair<const char*, const char*> kUsualNames[] = {{"lr", "learning-rate"},    {"base-lr", "learning-rate"},
                                                               {"wd", "weight-decay"},     {"bs", "batch"},
                                                               {"batch-size", "batch"},    {"iters", "iterations"},
                                                               {"max-iter", "iterations"}, {"max-iters", "iterations"},
                                                               {"steps", "iterations"},    {"crop-size", "crop"},
                                                               {"num-workers", "threads"}, {"workers", "threads"},
                                                               {"jobs", "threads"},        {"gpu", "device"},
                                                               {"gpus", "device"},         {"ckpt", "checkpoint"},
                                                               {"weights", "checkpoint"},  {"weights", "init"},
                                                               {"model", "checkpoint"},    {"pretrained", "init"},
                                                               {"out", "output"},          {"output-dir", "output"},
                                                               {"save-dir", "output"},     {"data", "dataset"},
                                                               {"input", "images"},        {"input", "image"},
                                                               {"probs", "probabilities"}, {"unary", "probabilities"}};

std::string number_text(double value) { return fmt::format("{}", value); }

}  // namespace

Options::Options(ProgramInfo info) : info_(std::move(info)) {
  add("device", &device, "where tensors live: auto, cpu, cuda or cuda:N", Role::run);
  add("threads", &threads, "threads of the CPU, 0 for all", Role::run);
  add("seed", &seed, "seed of all random numbers");
  add("check", &check_file, "only check that FILE is a whole artifact of this program", Role::run);
  add_repeated("config", &config_, "read options from an INI file; repeatable, later ones win", Role::run);
  add("quiet", &is_quiet_, "only warnings and errors", Role::run);
  add("log-level", &log_level_, "debug, info, warning, error or silent", Role::run);
}

void Options::declare(const std::string& name, const std::string& help, const std::string& placeholder, Role role,
                      std::function<void(const std::string&)> assign, std::function<std::string()> text, bool is_flag,
                      bool is_repeated) {
  ensure(find(name) == nullptr, "option --{} is declared twice", name);
  Option option{name, help, placeholder, role, is_flag, is_repeated, std::move(assign), std::move(text), "default", {}};
  option.default_text = option.text();
  options_.push_back(std::move(option));
}

void Options::add(const std::string& name, bool* target, const std::string& help, Role role) {
  declare(
      name, help, "", role, [=](const std::string& t) { *target = parse_bool(t, name); },
      [=] { return std::string(*target ? "true" : "false"); }, true);
}

void Options::add(const std::string& name, int64_t* target, const std::string& help, Role role) {
  declare(
      name, help, "N", role, [=](const std::string& t) { *target = parse_integer(t, "--" + name); },
      [=] { return fmt::format("{}", *target); });
}

void Options::add(const std::string& name, double* target, const std::string& help, Role role) {
  declare(
      name, help, "X", role, [=](const std::string& t) { *target = parse_number(t, "--" + name); },
      [=] { return number_text(*target); });
}

void Options::add(const std::string& name, std::string* target, const std::string& help, Role role) {
  declare(
      name, help, role == Role::input || role == Role::output ? "PATH" : "TEXT", role,
      [=](const std::string& t) { *target = t; }, [=] { return *target; });
}

void Options::add(const std::string& name, std::vector<double>* target, const std::string& help, Role role) {
  declare(
      name, help, "X,X,...", role,
      [=](const std::string& t) {
        std::vector<double> values;
        for (const auto& piece : split(t, ',')) values.push_back(parse_number(piece, "--" + name));
        *target = std::move(values);
      },
      [=] {
        std::vector<std::string> pieces;
        for (const double value : *target) pieces.push_back(number_text(value));
        return join(pieces, ",");
      });
}

void Options::add(const std::string& name, std::vector<std::string>* target, const std::string& help, Role role) {
  declare(
      name, help, "A,B,...", role, [=](const std::string& t) { *target = split(t, ','); },
      [=] { return join(*target, ","); });
}

void Options::add_choice(const std::string& name, std::string* target, const std::vector<std::string>& choices,
                         const std::string& help, Role role) {
  declare(
      name, help, join(choices, "|"), role,
      [=](const std::string& t) {
        if (std::find(choices.begin(), choices.end(), t) == choices.end()) {
          const std::string close = nearest(t, choices);
          fail_usage("--{}: '{}' is not one of {}{}", name, t, join(choices, ", "),
                     close.empty() ? "" : fmt::format("; did you mean '{}'?", close));
        }
        *target = t;
      },
      [=] { return *target; });
}

void Options::add_repeated(const std::string& name, std::vector<std::string>* target, const std::string& help,
                           Role role) {
  declare(
      name, help, "TEXT", role, [=](const std::string& t) { target->push_back(t); }, [=] { return join(*target, " "); },
      false, true);
}

bool Options::parse(int argc, const char* const* argv) {
  po::options_description description;
  for (const auto& option : options_) {
    auto* semantic = po::value<std::string>();
    if (option.is_flag) semantic->implicit_value("true");
    description.add_options()(option.name.c_str(), semantic);
  }
  for (const char* name : {"help", "version", "fingerprint", "print-config"}) description.add_options()(name, "");

  std::vector<po::option> given;
  try {
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    using namespace po::command_line_style;
    given = po::command_line_parser(words)
                .options(description)
                .style(unix_style & ~allow_guessing & ~allow_short)
                .run()
                .options;
  } catch (const po::unknown_option& e) {
    std::string name = e.get_option_name();
    name.erase(0, name.find_first_not_of('-'));
    refuse_unknown(name.substr(0, name.find('=')), "");
  } catch (const po::error& e) {
    fail_usage("{}; see --help", e.what());
  }

  const auto is_given = [&](const std::string& name) {
    return std::any_of(given.begin(), given.end(), [&](const auto& o) { return o.string_key == name; });
  };
  if (is_given("help")) return std::fputs(help().c_str(), stdout), false;
  if (is_given("version")) return std::printf("boxseg %s\n", kVersion), false;
  if (is_given("fingerprint")) return std::printf("%s\n", info_.fingerprint.c_str()), false;

  for (const auto& option : given) {
    if (option.string_key.empty() || option.position_key >= 0)
      fail_usage("'{}' was not expected; options start with --, see --help", join(option.value, " "));
    if (option.string_key == "config") read_with_base(option.value.at(0));
  }
  for (const auto& option : given)
    if (option.string_key != "print-config")
      set(option.string_key, option.value.empty() ? "true" : option.value.back(), "command line");

  set_log_level(is_quiet_ ? LogLevel::warning : parse_log_level(log_level_));
  if (is_given("print-config")) return std::fputs(describe().c_str(), stdout), false;
  if (check_file.empty()) check_outputs();
  return true;
}

void Options::check_outputs() const {
  for (const auto& output : options_) {
    if (output.role != Role::output || output.text().empty()) continue;
    const fs::path path = output.text();
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) continue;
    const std::string name = "--" + output.name;
    refuse_special_file(path, name.c_str());
    for (const auto& config : config_) refuse_same_file(path, name.c_str(), config, "--config");
    for (const auto& input : options_)
      if (input.role == Role::input && !input.text().empty())
        refuse_same_file(path, name.c_str(), input.text(), "--" + input.name);
    for (const auto& other : options_)
      if (other.role == Role::output && &other < &output && !other.text().empty() &&
          (fs::absolute(path).lexically_normal() == fs::absolute(other.text()).lexically_normal() ||
           is_same_file(path, other.text())))
        fail_usage("{} {}: is --{}, too; choose another name", name, path.string(), other.name);
  }
}

constexpr int kDeepest = 8;

// Each file is read once, since it may be a pipe. A preset may build on another by `from = NAME`, which stands beside
// it as NAME.ini and is read first. `depth` counts the files that led here.
void Options::read_with_base(const fs::path& path, int depth) {
  const Ini ini = read_ini_file(path);
  const auto top = ini.find("");
  if (top != ini.end() && top->second.count("from") > 0) {
    const std::string& from = top->second.at("from");
    const fs::path base = path.parent_path() / (from + ".ini");
    if (depth == kDeepest) fail_usage("{}: builds on itself, by `from = {}`", path.string(), from);
    if (std::error_code ignored; !fs::exists(base, ignored))
      fail_usage("{}: builds on '{}', but {} is not there; give --config of it first, and take the line out",
                 path.string(), from, base.string());
    read_with_base(base, depth + 1);
  }
  apply(ini, path);
}

void Options::apply(const Ini& ini, const fs::path& path) {
  const auto is_one_of = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [section, entries] : ini) {
    const std::string where = section.empty() ? path.string() : fmt::format("{}:[{}]", path.string(), section);
    if (!section.empty() && section != info_.section) {
      if (is_one_of(info_.other_sections, section)) continue;
      std::vector<std::string> known = info_.other_sections;
      if (!info_.section.empty()) known.push_back(info_.section);
      if (known.empty()) fail_usage("{}: unknown section; {} reads keys without a section alone", where, info_.name);
      std::sort(known.begin(), known.end());
      const std::string close = nearest(section, known);
      fail_usage("{}: unknown section; expected one of {}{}", where, join(known, ", "),
                 close.empty() ? "" : fmt::format("; did you mean [{}]?", close));
    }
    for (const auto& [key, value] : entries) {
      const bool names_base = section.empty() && key == "from";  // which read_with_base() has read already
      if (names_base || is_one_of(info_.other_keys, key)) continue;
      if (!has(key)) refuse_unknown(key, where + ": ");
      set(key, value, where);
    }
  }
}

void Options::set(const std::string& name, const std::string& value, const std::string& origin) {
  Option* option = find(name);
  if (option == nullptr) refuse_unknown(name, "");
  try {
    option->assign(value);
  } catch (const Error& e) {
    if (origin == "command line") throw;
    throw Error(e.kind(), fmt::format("{}: {}", origin, e.what()));
  }
  option->origin = origin;
}

Options::Option* Options::find(const std::string& name) {
  return const_cast<Option*>(static_cast<const Options*>(this)->find(name));
}

const Options::Option* Options::find(const std::string& name) const {
  for (const auto& option : options_)
    if (option.name == name) return &option;
  return nullptr;
}

bool Options::has(const std::string& name) const { return find(name) != nullptr; }

std::string Options::value(const std::string& name) const {
  const Option* option = find(name);
  ensure(option != nullptr, "{} has no option --{}", info_.name, name);
  return option->text();
}

std::string Options::origin(const std::string& name) const {
  const Option* option = find(name);
  ensure(option != nullptr, "{} has no option --{}", info_.name, name);
  return option->origin;
}

ResolvedOptions Options::resolved() const {
  ResolvedOptions resolved;
  for (const auto& option : options_) {
    if (option.role != Role::result) continue;
    resolved.values[option.name] = option.text();
    resolved.defaults[option.name] = option.default_text;
  }
  return resolved;
}

std::string Options::describe() const {
  std::string text = info_.section.empty() ? "" : fmt::format("[{}]\n", info_.section);
  for (const auto& option : options_) {
    if (option.name == "config") continue;
    text += fmt::format("# {}\n{} = {}\n", option.origin, option.name, option.text());
  }
  return text;
}

std::string Options::help() const {
  std::string text = fmt::format("{}: {}\n\nExample:\n  {}\n\nOptions:\n", info_.name, info_.summary, info_.example);
  const auto line = [&](const std::string& left, const std::string& right) {
    text += left.size() < 30 ? fmt::format("  {:<30}{}\n", left, right)
                             : fmt::format("  {}\n  {:<30}{}\n", left, "", right);
  };
  for (const auto& option : options_) {
    std::string right = option.help;
    if (!option.is_flag && !option.default_text.empty()) right += fmt::format(" (default: {})", option.default_text);
    line("--" + option.name + (option.placeholder.empty() ? "" : " " + option.placeholder), right);
  }
  line("--print-config", "print what is in force and where each value came from");
  line("--fingerprint", "print what the results depend on besides inputs and options");
  line("--version, --help", "");
  return text;
}

void Options::refuse_unknown(const std::string& name, const std::string& where) const {
  std::vector<std::string> names;
  for (const auto& option : options_) names.push_back(option.name);
  const auto is_usual = [&](const auto& usual) { return name == usual.first && has(usual.second); };
  const auto usual = std::find_if(std::begin(kUsualNames), std::end(kUsualNames), is_usual);
  const std::string close = usual != std::end(kUsualNames) ? usual->second : nearest(name, names);
  const bool is_command_line = where.empty();
  fail_usage("{}unknown option {}{}{}; --help lists all", where, is_command_line ? "--" : "", name,
             close.empty() ? "" : fmt::format(", did you mean {}{}?", is_command_line ? "--" : "", close));
}

}  // namespace boxseg
