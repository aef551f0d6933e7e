// What an earlier run into the same folder made, and the next one does not make any more.
#include "stage2_pseudolabel/gone_labels.h"

#include "common/io/manifest.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("label maps of photographs that are gone are removed, and nothing else") {
  const TemporaryDirectory dir;
  const Shard shard;
  Manifest manifest;
  manifest.program = "stage2_pseudolabel";
  for (const char* file : {"Y_crf/a.png", "Y_ret/a.png", "Y_crf/gone.png", "Y_ret/gone.png", "Y_crf/../../b.png",
                           "attention/shard-0000-of-0001.h5"}) {
    manifest.outputs.push_back({file, 1, "x"});
  }
  for (const char* file : {"out/Y_crf/a.png", "out/Y_ret/a.png", "out/Y_crf/gone.png", "out/Y_ret/gone.png",
                           "out/Y_crf/mine.png", "b.png", "out/attention/shard-0000-of-0001.h5"})
    write_file(dir / file, "x");
  const fs::path output = dir / "out";
  CHECK(listed_label_maps(output, shard).empty());
  write_manifest(output / shard_manifest(shard), manifest);
  const auto listed = listed_label_maps(output, shard);
  CHECK(listed.size() == 5);

  Dataset dataset;
  dataset.images.resize(2);
  dataset.images[0].id = "a";
  dataset.images[1].id = "not of the split";
  dataset.splits["all"] = {0};
  CHECK(remove_gone_labels(output, listed, dataset, "all", true) == 2);
  for (const char* kept : {"out/Y_crf/a.png", "out/Y_ret/a.png", "out/Y_crf/mine.png", "b.png"})
    CHECK(fs::exists(dir / kept));
  CHECK_FALSE(fs::exists(output / "Y_crf/gone.png"));
  CHECK_FALSE(fs::exists(output / "Y_ret/gone.png"));

  // A run without a network makes no Y_ret.
  CHECK(remove_gone_labels(output, listed, dataset, "all", false) == 1);
  CHECK_FALSE(fs::exists(output / "Y_ret/a.png"));

  manifest.program = "prepare labels";  // somebody's, who may need them
  write_manifest(output / shard_manifest(shard), manifest);
  CHECK(listed_label_maps(output, shard).empty());
}
