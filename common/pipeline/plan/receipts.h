// Receipts: what a piece of work without a manifest (dataset, evaluation, table, report) was made from, and what was
// made, as two digests of contents in RUN/receipts/NAME, written once it is done. It is up to date while both are the
// same.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/data/dataset.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/coco_folder.h"
#include "common/pipeline/plan/metrics_file.h"
#include "common/pipeline/plan/preset.h"
#include "common/pipeline/plan/run_layout.h"
#include "common/pipeline/plan/work.h"

namespace boxseg {

// Files from outside that a run is made from; those that it does not need are "".
struct RunSources {
  fs::path root;          // of the files behind dataset.h5
  fs::path boxes, masks;  // of own photographs
  CocoFolder coco;
};

class Receipts {
 public:
  // The arguments must outlive the object; `dataset` may be empty.
  Receipts(const RunPlan& plan, const RunLayout& layout, const RunSources& sources,
           const std::optional<Dataset>& dataset);

  // Kinds of work that write a manifest keep no receipt: they throw usage.
  std::string why_stale(const Work& work);  // "" when it is up to date
  // A sentence when what was made is not as it was then, though nobody asked for it; "" when it is, or was not made
  // yet.
  std::string why_damaged(const Work& work);
  void record(const Work& work);

  // Whether review.csv is as it was made, from labels of stage 2 with just these manifests, in the order of the plan.
  static bool has_review_of(const RunLayout& layout, const std::vector<Manifest>& labels);

 private:
  struct Receipt {
    Digest from, made;
    bool operator==(const Receipt&) const = default;
  };
  static std::optional<Receipt> read(const RunLayout& layout, const Work& work);
  Digest from(const Work& work);
  Digest made(const Work& work);
  Digest dataset_from() const;
  Digest coco_from(Hasher hasher) const;
  Digest given_masks_from() const;
  Digest given_masks_made() const;
  Digest evaluation_from(const std::string& key) const;
  Digest archive_from(const std::string& variant, const std::string& mode) const;
  Digest table_from(const std::string& name) const;
  Digest report_from() const;
  std::vector<Manifest> labels() const;  // that review and masks are made from
  const Metrics& metrics();              // none of a damaged file

  const RunPlan& plan_;
  const RunLayout& layout_;
  const RunSources& sources_;
  // None where there is no manifest. One of a hundred thousand label maps is read and hashed once for all its numbers.
  const std::optional<Digest>& digest_of_manifest(const fs::path& folder) const;
  mutable std::map<fs::path, std::optional<Digest>> digests_;
  const std::optional<Dataset>& dataset_;
  std::optional<Metrics> metrics_;
};

}  // namespace boxseg
