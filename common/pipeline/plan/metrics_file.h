// metrics.json: one flat object whose keys are paths, such as "stage2/bap/val/y_crf/miou". Shares are in percent; what
// cannot be computed is null.
#pragma once
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace boxseg {

using Metrics = std::map<std::string, nlohmann::json>;

// {} when absent; throws bad_input when it is no such file, or damaged.
Metrics read_metrics(const std::filesystem::path& path);

// What of it was measured under one key: KEY/miou, ...; of "VARIANT/SPLIT/agreement" also the numbers of the three
// rules, which stand under agreement_wrong, agreement_background and agreement_ignored.
Metrics numbers_of(const Metrics& metrics, const std::string& key);

// Replaces everything at and below `key` by KEY/name -> value, and keeps the rest. Atomic; several programs may merge
// into one file at a time (a lock is held on PATH.lock meanwhile).
void merge_metrics(const std::filesystem::path& path, const std::string& key, const Metrics& values);

// A key is made of non-empty words without blanks at their ends, joined by "/". Throws usage.
void check_metrics_key(const std::string& key);

}  // namespace boxseg
