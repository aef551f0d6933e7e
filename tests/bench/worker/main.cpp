#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>

#include "common/base/log.h"
#include "common/runtime/equal_bits.h"
#include "common/runtime/heap.h"
#include "tests/bench/worker/serve.h"

namespace boxseg::bench {
namespace {

struct Entry {
  const char* usage;
  size_t arguments;
  void (*run)(const Arguments&);
};

std::map<std::string, Entry>& verbs() {
  static std::map<std::string, Entry> all;
  return all;
}

int usage() {
  for (const auto& [name, entry] : verbs()) std::fprintf(stderr, "bench_worker %s %s\n", name.c_str(), entry.usage);
  return 2;
}

}  // namespace

Verb::Verb(const char* name, const char* usage, size_t arguments, void (*run)(const Arguments&)) {
  verbs()[name] = {usage, arguments, run};
}

void serve(const std::function<void()>& work) {
  std::puts("ready");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    work();
    std::printf("{\"seconds\": %.9f}\n",
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    std::fflush(stdout);
  }
}

}  // namespace boxseg::bench

int main(int argc, char** argv) {
  using namespace boxseg::bench;
  boxseg::keep_freed_memory();
  boxseg::ask_for_equal_bits();
  if (argc < 2 || !verbs().count(argv[1])) return usage();
  const Entry& entry = verbs().at(argv[1]);
  const Arguments arguments(argv + 2, argv + argc);
  if (arguments.size() != entry.arguments) return usage();
  boxseg::set_log_level(boxseg::LogLevel::warning);
  try {
    entry.run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_worker %s: %s\n", argv[1], error.what());
    return 1;
  }
}
