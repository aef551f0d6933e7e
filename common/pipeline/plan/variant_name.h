// Names of variants: BASE[+SETTING...][@SEED].
//
// BASE is a file data/variants/BASE.ini. A setting changes one option of one stage: 1.grid_3 (stage 1, --grid 3),
// 3.lambda_0.05, p.flip_true (prediction); v2 takes the preset's second network. @2 adds 2 to the run's seed. What is
// upstream of a variant carries its seed and those of its settings that concern earlier stages: `bap+1.grid_3+2.grid_2`
// in stage 2 builds on `bap+1.grid_3` in stage 1. Names hold letters, digits, '_', '-' and '.', so that they are file
// names and Make targets.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace boxseg {

struct VariantSetting {
  std::string section;  // "stage1", "stage2", "stage3", "predict"
  std::string option, value;
};

struct VariantName {
  std::string base;
  std::vector<VariantSetting> settings;
  bool has_second_network = false;
  int64_t seed_offset = 0;

  std::string text() const;
};

VariantName parse_variant(const std::string& name);  // throws usage

// The variant of an earlier stage that `variant` builds on in `section` ("stage2" or "stage3"), where its file says
// `from`.
std::string upstream_variant(const VariantName& variant, const std::string& section, const std::string& from);

}  // namespace boxseg
