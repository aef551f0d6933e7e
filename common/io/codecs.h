// OpenCV's image formats, loaded with the first image: a hundred other libraries come with them, which would cost each program
// 0.1 s at its start.
#pragma once
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace boxseg {

// As cv::imdecode and cv::imencode (flags and parameters: opencv2/imgcodecs.hpp). Throw `failed` when the library cannot be loaded.
cv::Mat decode_image(const cv::Mat& bytes, int flags);
bool encode_image(const std::string& extension, const cv::Mat& pixels, std::vector<uint8_t>& bytes, const std::vector<int>& parameters);

}  // namespace boxseg
