#include "common/data/formats/entry_doubts.h"

#include <fmt/format.h>

namespace boxseg {

void EntryDoubts::add(std::string_view kind, size_t order, const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  auto at = seen_.find(kind);
  if (at == seen_.end()) at = seen_.emplace(std::string(kind), Seen()).first;
  Seen& seen = at->second;
  if (seen.count++ > 0 && seen.first <= order) return;
  seen.first = order;
  seen.sentence = sentence;
}

size_t EntryDoubts::count(std::string_view kind) const {
  const std::lock_guard lock(mutex_);
  const auto at = seen_.find(kind);
  return at == seen_.end() ? 0 : at->second.count;
}

std::string EntryDoubts::sentence(std::string_view kind) const {
  const std::lock_guard lock(mutex_);
  const auto at = seen_.find(kind);
  return at == seen_.end() ? "" : at->second.sentence;
}

void EntryDoubts::forget(std::string_view kind) {
  const std::lock_guard lock(mutex_);
  if (const auto at = seen_.find(kind); at != seen_.end()) seen_.erase(at);
}

std::vector<std::string> EntryDoubts::sentences() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [kind, seen] : seen_)
    all.push_back(seen.count == 1 ? seen.sentence
                                  : fmt::format("{} (and {} more like it)", seen.sentence, seen.count - 1));
  return all;
}

}  // namespace boxseg
