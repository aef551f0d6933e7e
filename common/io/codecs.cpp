#include "common/io/codecs.h"

#include <dlfcn.h>

#include <opencv2/imgcodecs.hpp>

#include "common/base/error.h"

namespace boxseg {
namespace {

void* symbol(const char* name) {
  static void* const library = dlopen(BOXSEG_IMAGE_CODECS, RTLD_LAZY | RTLD_LOCAL);
  void* const found = library != nullptr ? dlsym(library, name) : nullptr;
  if (found == nullptr) fail("images cannot be read or written: {}; install OpenCV as set-up does", dlerror());
  return found;
}

}  // namespace

cv::Mat decode_image(const cv::Mat& bytes, int flags) {
  using Decode = cv::Mat(cv::InputArray, int);
  static auto* const decode = reinterpret_cast<Decode*>(symbol("_ZN2cv8imdecodeERKNS_11_InputArrayEi"));
  return decode(bytes, flags);
}

bool encode_image(const std::string& extension, const cv::Mat& pixels, std::vector<uint8_t>& bytes, const std::vector<int>& parameters) {
  using Encode = bool(const cv::String&, cv::InputArray, std::vector<uchar>&, const std::vector<int>&);
  static auto* const encode = reinterpret_cast<Encode*>(symbol(
      "_ZN2cv8imencodeERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEERKNS_11_InputArrayERSt6vectorIhSaIhEERKSB_IiSaIiEE"));
  return encode(extension, pixels, bytes, parameters);
}

}  // namespace boxseg
