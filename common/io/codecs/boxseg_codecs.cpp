#include "common/io/codecs/boxseg_codecs.h"

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace {

struct Free {
  void operator()(uint8_t* pixels) const { std::free(pixels); }
};

}  // namespace

int boxseg_codecs_decode(const uint8_t* bytes, size_t size, uint8_t** pixels, int64_t* height, int64_t* width,
                         char* error, size_t error_size) {
  const auto refuse = [&](const char* reason, const char* more = "") {
    std::snprintf(error, error_size, "%s%s", reason, more);
    return 1;
  };
  if (size == 0) return refuse("is empty");
  if (size > INT_MAX) return refuse("has more than 2 GiB");
  try {
    const cv::Mat raw(1, static_cast<int>(size), CV_8U, const_cast<uint8_t*>(bytes));
    const cv::Mat bgr = cv::imdecode(raw, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
    if (bgr.empty()) return refuse("is not an image of a known format (JPEG, PNG, BMP, TIFF, WebP), or is damaged");
    std::unique_ptr<uint8_t, Free> copy(static_cast<uint8_t*>(std::malloc(bgr.total() * 3)));
    if (copy == nullptr) return refuse("has more pixels than there is memory for");
    cv::Mat rgb(bgr.rows, bgr.cols, CV_8UC3, copy.get());
    cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
    *height = bgr.rows, *width = bgr.cols;
    *pixels = copy.release();
    return 0;
  } catch (const cv::Exception& e) {  // sizes beyond its limits, for one
    return refuse("cannot be decoded: ", e.err.c_str());
  } catch (const std::exception& e) {
    return refuse("cannot be decoded: ", e.what());
  } catch (...) {
    return refuse("cannot be decoded");
  }
}

void boxseg_codecs_free(uint8_t* pixels) { std::free(pixels); }
