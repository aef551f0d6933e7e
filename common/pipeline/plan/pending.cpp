#include "common/pipeline/plan/pending.h"

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/stage/file_stamp.h"

namespace boxseg {

// A line: KEY <tab> STAMP <tab> PROOF, the last relative to the file's folder, so that a run may be moved.
std::string pending_text(const fs::path& file, const std::vector<PendingKey>& keys) {
  const auto absolute = [](const fs::path& path) { return fs::absolute(path).lexically_normal(); };
  std::string text;
  for (const auto& k : keys)
    text += fmt::format("{}\t{}\t{}\n", k.key, stamp_of(k.proof),
                        absolute(k.proof).lexically_relative(absolute(file).parent_path()).string());
  return text;
}

std::set<std::string> read_pending(const fs::path& file) {
  std::set<std::string> keys;
  if (!fs::exists(file)) return keys;
  for (const auto& line : read_lines(read_file(file))) {
    const auto words = split(line, '\t');
    if (words.size() != 3)
      fail_input("{}: '{}' is not of the form KEY, STAMP, FILE; plan writes this file", file.string(), line);
    const std::string now = stamp_of(file.parent_path() / words[2]);
    if (now == kNoFile || now == words[1]) keys.insert(words[0]);
  }
  return keys;
}

}  // namespace boxseg
