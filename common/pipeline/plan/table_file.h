// Tables of the report as short text files: which numbers of a run stand where, beside the published ones.
//
//   title = Pseudo labels on the validation split
//   caption = mIoU in percent.
//   row-title = method
//   column = DeepLab v1 | DeepLab v2
//   style = heat | pictures      (colours each cell by its value; or also makes a picture of label maps, NAME.png)
//   BAP, Y_crf | stage2/bap/{split}/y_crf ; authors 79.2 ; report 78.8 | - waits for the VOC test server
//
// A cell is VALUE / VALUE ..., with a published counterpart each or none, or "- REASON". A value is a key of
// metrics.json, whose mIoU is shown, or another number below it (`AP50 stage2/bap/{coco}/y_crf_segm`), or `time
// stage1/bap` (how long that piece of work took); or several with " & ": their mean and standard deviation. {split},
// {train}, {plain}, {refined} stand for the run's splits and its first and last mode, {test} for its labelled test
// split, {coco} for its split with COCO's annotations: a run without one shows the REASON of `VALUE ; - REASON`.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct TableKey {
  std::string key;              // "stage2/bap/val/y_crf", or of a time "stage1/bap"
  std::string number = "miou";  // below the key in metrics.json; "time": of making KEY, as its manifest records it
  bool is_time() const { return number == "time"; }
  bool operator==(const TableKey&) const = default;
};

struct TableCell {
  std::vector<std::vector<TableKey>> values;  // shown one beside the other; each the mean over its keys
  std::string authors, report;                // published, as text; "" for none
  std::string reason;                         // why there is no value
};

struct TableRow {
  std::string label;
  std::vector<TableCell> cells;  // one per column
};

struct Table {
  std::string name, title, caption, row_title = "method";
  std::vector<std::string> columns;
  std::vector<TableRow> rows;
  bool is_heat_map = false, has_pictures = false;

  std::vector<TableKey> keys() const;              // of all cells, each once
  bool has(const std::string& key) const;          // a number of that key
  void repeat(const std::vector<int64_t>& seeds);  // every value over these seeds of its variant
  std::string text() const;                        // what read_table() reads, placeholders filled
};

// The piece of work that makes a number: "stage1/bap" of a time, else "evaluate/stage2/bap/val/y_crf".
std::string maker_of(const TableKey& key);
// Whether a number is COCO's average precision of masks: "stage2/bap/val/y_crf_segm".
bool is_of_coco_masks(const std::string& key);
// "val" of "stage2/bap/val/y_crf", "stage3/nal/val/crf" and "baseline/val/grabcut".
std::string split_of_number(const std::string& key);

// Throws usage with file, line and what was expected there.
Table read_table(const fs::path& path, const std::map<std::string, std::string>& placeholders);

}  // namespace boxseg
