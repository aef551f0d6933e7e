// Where everything of a run lies. Others' scripts rely on these paths.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct RunLayout {
  fs::path run;  // runs/demo

  fs::path dataset() const { return run / "dataset.h5"; }
  fs::path synthetic_root() const { return run / "data"; }     // of the dataset that `prepare synthetic` draws
  fs::path copies() const { return run / "data" / "photos"; }  // smaller ones of own photographs
  fs::path stage1(const std::string& variant) const { return run / "stage1" / variant; }
  fs::path stage2(const std::string& variant, const std::string& split) const {
    return run / "stage2" / variant / split;
  }
  fs::path stage3(const std::string& variant) const { return run / "stage3" / variant; }
  fs::path predictions(const std::string& variant, const std::string& split, const std::string& mode) const {
    return stage3(variant) / "predictions" / split / mode;
  }
  fs::path server_archive(const std::string& variant, const std::string& mode) const {  // of VOC's test split
    return run / "server" / variant / (mode + ".tar.gz");
  }
  // Of the label maps behind a number, "stage2/bap/val/y_crf" or "stage3/nal/val/crf", and of their manifest; "" for
  // baselines. Throws usage for other keys.
  fs::path measured(const std::string& key) const;
  fs::path fragment() const { return run / "plan.mk"; }  // what `plan` writes for Make
  fs::path metrics() const { return run / "metrics.json"; }
  fs::path review() const { return run / "review.csv"; }             // of own photographs
  fs::path box_sheet() const { return run / "boxes.jpg"; }           // its boxes at a glance
  fs::path masks() const { return run / "masks"; }                   // in the format that the boxes came in
  fs::path outlines() const { return run / "outlines"; }             // label maps of what outlines the boxes came with
  fs::path given_masks() const { return run / "given_masks"; }       // label maps of another tool's masks
  fs::path source() const { return run / "config" / "source.ini"; }  // own photographs and boxes, and SET
  // The run on COCO that `make reproduce` puts beside this one, whose tables this one's page shows.
  fs::path on_coco() const { return run.parent_path() / (run.filename().string() + "-coco"); }
  fs::path preset() const { return run / "config" / "preset.txt"; }  // its name, for later calls that do not say it
  fs::path report() const { return run / "report"; }
  fs::path tables() const { return run / "tables"; }
  fs::path table(const std::string& name) const { return tables() / (name + ".txt"); }  // in terms of the run
  // Its numbers that are still to come while Make runs.
  fs::path pending(const std::string& name) const { return run / "config" / ("pending-" + name + ".txt"); }
  static std::string prediction_name(const std::string& variant, const std::string& split, const std::string& mode) {
    return "predict-" + variant + "-" + split + "-" + mode;
  }
  // All options in force of one piece of work.
  fs::path config(const std::string& name) const { return run / "config" / (name + ".ini"); }
  // What a piece of work without a manifest was made from.
  fs::path receipt(const std::string& node) const { return run / "receipts" / node; }
  // Throws usage where the folder is there, holds what is none of the above, and no plan yet: somebody's folder, into
  // which a run would be mixed. Hidden files are no matter.
  void require_own_folder() const;
  // The runs beside this one, for a message about one that is not there: " (did you mean runs/mine?)",
  // " (beside it: runs/a, runs/b)", or "".
  std::string other_runs() const;
  // Those that hold a manifest.h5, of whatever variant; sorted by stage and name.
  std::vector<fs::path> manifest_folders() const;
  // (size, mtime, inode) -> digest of files outside the run.
  fs::path digest_cache() const { return run / "digests.txt"; }
};

// Between the settings that source() remembers.
inline constexpr char kBetweenSettings = '\t';

// Sorted; none where there is no such folder.
std::vector<fs::path> subfolders(const fs::path& folder);

}  // namespace boxseg
