#include "common/io/codecs/boxseg_codecs.h"

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <streambuf>

namespace {

constexpr const char* kNoMemory = "has more pixels than there is memory for";

struct Free {
  void operator()(uint8_t* pixels) const { std::free(pixels); }
};

// Passes std::cerr's text on, except that of threads that decode: OpenCV writes there what it throws, and the caller
// says it once, with the file's name.
class QuietWhileDecoding : public std::streambuf {
 public:
  static thread_local bool is_decoding;
  explicit QuietWhileDecoding(std::streambuf* to) : to_(to) {}

 private:
  int overflow(int c) override {
    if (is_decoding || traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    return to_->sputc(traits_type::to_char_type(c));
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    return is_decoding ? size : to_->sputn(text, size);
  }
  int sync() override { return to_->pubsync(); }
  std::streambuf* to_;
};
thread_local bool QuietWhileDecoding::is_decoding = false;

struct Decoding {
  Decoding() {
    static QuietWhileDecoding* const quiet = [] {
      cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
      cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
      // It is never freed, as std::cerr may be used until the very end.
      auto* made = new QuietWhileDecoding(std::cerr.rdbuf());
      std::cerr.rdbuf(made);
      return made;
    }();
    quiet->is_decoding = true;
  }
  ~Decoding() { QuietWhileDecoding::is_decoding = false; }
};

}  // namespace

int boxseg_codecs_decode(const uint8_t* bytes, size_t size, uint8_t** pixels, int64_t* height, int64_t* width,
                         char* error, size_t error_size) {
  const auto refuse = [&](const char* reason, const char* more = "") {
    std::snprintf(error, error_size, "%s%s", reason, more);
    return reason == kNoMemory ? 2 : 1;
  };
  if (size == 0) return refuse("is empty");
  if (size > INT_MAX) return refuse("has more than 2 GiB");
  const Decoding decoding;
  try {
    const cv::Mat raw(1, static_cast<int>(size), CV_8U, const_cast<uint8_t*>(bytes));
    const cv::Mat bgr = cv::imdecode(raw, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
    if (bgr.empty())
      return refuse("is not an image of a known format (JPEG, PNG, BMP, TIFF, WebP), or is damaged or animated");
    std::unique_ptr<uint8_t, Free> copy(static_cast<uint8_t*>(std::malloc(bgr.total() * 3)));
    if (copy == nullptr) return refuse(kNoMemory);
    cv::Mat rgb(bgr.rows, bgr.cols, CV_8UC3, copy.get());
    cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
    *height = bgr.rows, *width = bgr.cols;
    *pixels = copy.release();
    return 0;
  } catch (const cv::Exception& e) {  // OpenCV throws for sizes beyond its limits, for one
    if (e.code == cv::Error::StsNoMem) return refuse(kNoMemory);
    return refuse("cannot be decoded: ", e.err.c_str());
  } catch (const std::bad_alloc&) {
    return refuse(kNoMemory);
  } catch (const std::exception& e) {
    return refuse("cannot be decoded: ", e.what());
  } catch (...) {
    return refuse("cannot be decoded");
  }
}

void boxseg_codecs_free(uint8_t* pixels) { std::free(pixels); }
