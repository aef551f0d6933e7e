// What is odd in files of boxes though they are read on: one sentence for each kind of thing.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace boxseg {

// Collects from any thread. Of each kind the sentence of the first entry is kept and the others are counted, so that
// the number of threads changes nothing.
class EntryDoubts {
 public:
  // `kind` tells one kind of thing from another, and is not shown. `order`: of the entry, as its index in the file; the
  // sentence of the lowest one is kept. `sentence`: "FILE: annotations[7] has ...".
  void add(std::string_view kind, size_t order, const std::string& sentence);
  size_t count(std::string_view kind) const;
  std::string sentence(std::string_view kind) const;  // of the first entry; "" where there is none
  void forget(std::string_view kind);

  // "FILE: annotations[7] has ... (and 4 more like it)", sorted by kind.
  std::vector<std::string> sentences() const;

 private:
  struct Seen {
    size_t count = 0, first = 0;
    std::string sentence;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Seen, std::less<>> seen_;
};

}  // namespace boxseg
