#include "common/pipeline/plan/work.h"

#include <algorithm>
#include <iterator>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr size_t kAnyNumber = 0;  // of words, at least one

struct Kind {
  WorkKind kind;
  const char* word;
  const char* group;
  size_t words;  // that follow
};
constexpr size_t kNone = static_cast<size_t>(-1);
constexpr Kind kKinds[] = {
    {WorkKind::dataset, "dataset", "dataset", kNone}, {WorkKind::given, "given_masks", "given_masks", kNone},
    {WorkKind::stage1, "stage1", "stage1", 1},        {WorkKind::shard, "stage2", "", 3},
    {WorkKind::stage2, "stage2", "stage2", 2},        {WorkKind::stage3, "stage3", "stage3", 1},
    {WorkKind::predict, "predict", "predict", 3},     {WorkKind::evaluate, "evaluate", "evaluate", kAnyNumber},
    {WorkKind::server, "server", "server", 2},        {WorkKind::table, "table", "tables", 1},
    {WorkKind::review, "review", "review", kNone},    {WorkKind::masks, "export", "export", kNone},
    {WorkKind::report, "report", "report", kNone},
};

const Kind& kind_of(WorkKind kind) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return k.kind == kind; });
}

}  // namespace

std::string Work::name() const {
  const std::string word = kind_of(kind).word;
  return subject.empty() ? word : word + "/" + subject;
}

std::vector<std::string> Work::words() const { return split(subject, '/'); }

Work parse_work(const std::string& name) {
  const size_t slash = name.find('/');
  const std::string word = name.substr(0, slash), subject = slash == std::string::npos ? "" : name.substr(slash + 1);
  const size_t words = slash == std::string::npos ? kNone : split(subject, '/').size();
  for (const Kind& kind : kKinds) {
    const bool fits = kind.words == kAnyNumber ? words != kNone && !subject.empty() : words == kind.words;
    if (word == kind.word && fits) return {kind.kind, subject};
  }
  fail_usage("{}: no such piece of work; a run has dataset, stage1/VARIANT, stage2/VARIANT/SPLIT, and so on", name);
}

std::string group_of(WorkKind kind) { return kind_of(kind).group; }

}  // namespace boxseg
