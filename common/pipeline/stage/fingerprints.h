// What the results of each program depend on besides its inputs and options. Bump a number when the bytes that the
// program writes change for equal inputs and options; tests/support/fingerprints.txt holds the digests of tiny runs,
// and tests fail when results change and the number does not. `plan` and the programs compile this same header.
#pragma once

namespace boxseg {

inline constexpr const char* kPrepareFingerprint = "2";
inline constexpr const char* kStage1Fingerprint = "5";
inline constexpr const char* kStage2Fingerprint = "4";
inline constexpr const char* kStage3Fingerprint = "5";
inline constexpr const char* kPredictFingerprint = "4";
inline constexpr const char* kEvaluateFingerprint = "2";
inline constexpr const char* kReportFingerprint = "4";

}  // namespace boxseg
