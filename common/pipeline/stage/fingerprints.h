// What the results of each program depend on besides its inputs and options. Raise a number when the bytes that the
// program, or the part of it, makes change for equal inputs and options: everything that was made with the old number
// is then stale. tests/support/fingerprints.txt holds the digests of tiny runs, and tests fail when results change and
// the number does not. `plan` and the programs compile this same header.
#pragma once
#include <string>

#include "common/crf/dense_crf.h"

namespace boxseg {

// Parts that several programs share.
inline const std::string kNetworksPart = "+networks1";  // common/ops, common/networks: features of an image
inline const std::string kLabelsPart = "+labels1";      // common/labels: attention, class maps, unaries
inline const std::string kCrfPart = std::string("+crf") + kCrfFingerprint;

inline const std::string kPrepareFingerprint = "3";
inline const std::string kStage1Fingerprint = "5" + kNetworksPart;
inline const std::string kStage2Fingerprint = "4" + kNetworksPart + kLabelsPart + kCrfPart;
inline const std::string kStage3Fingerprint = "5" + kNetworksPart;
inline const std::string kPredictFingerprint = "4" + kNetworksPart + kCrfPart;
inline const std::string kEvaluateFingerprint = "4" + kCrfPart;   // whose baselines have a CRF
inline const std::string kReportFingerprint = "6" + kLabelsPart;  // whose pictures show attention

}  // namespace boxseg
