// This is our side of a race (tests/bench/peers/measure.py). It says "ready" once its input is loaded, then works once
// for each line it reads and prints the seconds; the end of the input ends it.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace boxseg::bench {

using Arguments = std::vector<std::string>;

void serve(const std::function<void()>& work);

// This is a verb of the program bench_worker; each file of this folder registers its own.
struct Verb {
  Verb(const char* name, const char* usage, size_t arguments, void (*run)(const Arguments&));
};

}  // namespace boxseg::bench
