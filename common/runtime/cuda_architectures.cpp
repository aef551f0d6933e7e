#include "common/runtime/cuda_architectures.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {

std::string Capability::text() const { return fmt::format("{}.{}", major, minor); }

std::vector<CudaArchitecture> parse_cuda_architectures(const std::string& list) {
  std::vector<CudaArchitecture> all;
  for (const std::string& entry : split(list, ',')) {
    const size_t digits = std::min(entry.find_first_not_of("0123456789"), entry.size());
    const std::string suffix = entry.substr(digits);
    ensure(digits >= 2 && digits <= 3 && (suffix.empty() || suffix == "-real" || suffix == "-virtual"),
           "\"{}\" in the list of CUDA architectures \"{}\": expected a number such as 86, 86-real or 86-virtual",
           entry, list);
    const int number = static_cast<int>(parse_integer(entry.substr(0, digits), "CUDA architecture"));
    all.push_back({{number / 10, number % 10}, suffix != "-virtual", suffix != "-real"});
  }
  return all;
}

bool is_served(const Capability& card, const std::vector<CudaArchitecture>& built) {
  return std::any_of(built.begin(), built.end(), [&](const CudaArchitecture& a) {
    const bool has_its_machine_code = a.has_machine_code && a.capability.major == card.major && a.capability <= card;
    return has_its_machine_code || (a.has_ptx && a.capability <= card);
  });
}

std::string architectures_text(const std::vector<CudaArchitecture>& built) {
  std::vector<std::string> machine_code, ptx, parts;
  for (const CudaArchitecture& a : built) {
    if (a.has_machine_code) machine_code.push_back(a.capability.text());
    if (a.has_ptx) ptx.push_back(a.capability.text());
  }
  if (!machine_code.empty()) parts.push_back("machine code for " + join(machine_code, ", "));
  if (!ptx.empty()) parts.push_back("PTX for " + join(ptx, ", "));
  return parts.empty() ? "no code for GPUs" : join(parts, " and ");
}

}  // namespace boxseg
