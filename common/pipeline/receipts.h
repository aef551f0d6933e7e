// Receipts: what a piece of work without a manifest (dataset, evaluation, table, report) was made from, as one digest in
// RUN/receipts/NODE, written once it is done. It is up to date while the digest of what there is now is the same.
#pragma once
#include <optional>
#include <string>

#include "common/data/dataset.h"
#include "common/pipeline/preset.h"
#include "common/pipeline/run_layout.h"

namespace boxseg {

class Receipts {
 public:
  // `dataset_root`: of the files behind dataset.h5. The arguments must outlive the object; `dataset` may be empty.
  Receipts(const RunPlan& plan, const RunLayout& layout, const fs::path& dataset_root, const std::optional<Dataset>& dataset);

  // `node`: "dataset", "report", "table/NAME", "server/VARIANT/MODE", or "evaluate/KEY" with a key of metrics.json; others
  // throw usage.
  std::string why_stale(const std::string& node);  // "" when it is up to date
  void record(const std::string& node);

 private:
  std::string of(const std::string& node);
  std::string of_dataset() const;
  std::string of_evaluation(const std::string& key);
  std::string of_archive(const std::string& variant, const std::string& mode) const;
  std::string of_table(const std::string& name) const;
  std::string of_report() const;

  const RunPlan& plan_;
  const RunLayout& layout_;
  const fs::path& dataset_root_;
  const std::optional<Dataset>& dataset_;
  std::optional<std::string> metrics_text_;
};

}  // namespace boxseg
