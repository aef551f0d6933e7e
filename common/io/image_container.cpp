#include "common/io/image_container.h"

#include <cstdint>
#include <cstring>

namespace boxseg {
namespace {

constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::string_view kPngEnd("\0\0\0\0IEND\xae\x42\x60\x82", 12);
constexpr std::string_view kJpegSignature("\xff\xd8\xff", 3);
constexpr size_t kNowhere = std::string_view::npos;

unsigned byte_at(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }
size_t big_endian(std::string_view bytes, size_t at, size_t count) {
  size_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | byte_at(bytes, at + i);
  return value;
}

// --- JPEG ---

constexpr unsigned kEnd = 0xD9, kScan = 0xDA, kApp1 = 0xE1;
bool is_restart(unsigned code) { return code >= 0xD0 && code <= 0xD7; }
bool has_length(unsigned code) { return code != 0x01 && code != 0xD8 && !is_restart(code); }

// Returns where the next marker's 0xFF stands. As libjpeg does, it passes over what is no marker: stray bytes between
// segments, and fill bytes.
size_t next_marker(std::string_view bytes, size_t at) {
  for (; (at = bytes.find('\xff', at)) != kNowhere; ++at) {
    if (at + 1 >= bytes.size()) return kNowhere;
    if (const unsigned code = byte_at(bytes, at + 1); code != 0 && code != 0xFF) return at;
  }
  return kNowhere;
}

// Returns where the entropy-coded data end that begin at `at`: at a marker that is none for a restart.
size_t end_of_scan(std::string_view bytes, size_t at) {
  while ((at = next_marker(bytes, at)) != kNowhere && is_restart(byte_at(bytes, at + 1))) at += 2;
  return at;
}

Orientation orientation_of_jpeg(std::string_view bytes) {
  for (size_t at = 2; (at = next_marker(bytes, at)) != kNowhere;) {
    const unsigned code = byte_at(bytes, at + 1);
    at += 2;
    if (code == kEnd || code == kScan || at + 2 > bytes.size()) break;
    if (!has_length(code)) continue;
    const size_t length = big_endian(bytes, at, 2);
    const std::string_view body = bytes.substr(at, length).substr(std::min<size_t>(2, length));
    if (code == kApp1 && body.starts_with(std::string_view("Exif\0\0", 6))) return orientation_of_exif(body);
    at += length;
  }
  return Orientation::upright;
}

// Among the codes of frames stand those of Huffman tables, of JPEG's extensions and of arithmetic coding.
bool is_frame(unsigned code) { return code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC; }

std::string fault_of_jpeg(std::string_view bytes) {
  bool has_scan = false;
  for (size_t at = 2; (at = next_marker(bytes, at)) != kNowhere;) {
    const unsigned code = byte_at(bytes, at + 1);
    if (code == kEnd) return has_scan ? "" : "it ends before its first scan";
    at += 2;
    if (!has_length(code)) continue;
    if (at + 2 > bytes.size()) break;
    at += big_endian(bytes, at, 2);
    if (code != kScan) continue;
    has_scan = true;
    at = end_of_scan(bytes, at);
    if (at == kNowhere) break;
  }
  return "the file ends early";
}

// --- PNG ---

struct Chunk {
  std::string_view type, data;
  size_t next = kNowhere;  // kNowhere when the file ends within this chunk
};

Chunk png_chunk(std::string_view bytes, size_t at) {
  constexpr size_t kFrame = 12;  // length, type, check sum
  if (at + kFrame > bytes.size()) return {};
  const size_t length = big_endian(bytes, at, 4);
  if (length > bytes.size() - at - kFrame) return {};
  return {bytes.substr(at + 4, 4), bytes.substr(at + 8, length), at + kFrame + length};
}

Orientation orientation_of_png(std::string_view bytes) {
  for (size_t at = kPngSignature.size(); at != kNowhere;) {
    const Chunk chunk = png_chunk(bytes, at);
    if (chunk.type == "eXIf") return orientation_of_exif(chunk.data);
    at = chunk.type == "IEND" ? kNowhere : chunk.next;
  }
  return Orientation::upright;
}

std::string fault_of_png(std::string_view bytes) {
  for (size_t at = kPngSignature.size();;) {
    const Chunk chunk = png_chunk(bytes, at);
    if (chunk.next == kNowhere) return "the file ends early";
    // Its check sum is looked at here, because libpng's answer to a wrong one depends on its version.
    if (chunk.type == "IEND") return bytes.substr(at, 12) == kPngEnd ? "" : "IEND: CRC error";
    at = chunk.next;
  }
}

// --- WebP ---

bool is_webp(std::string_view bytes) { return bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP"); }

Orientation orientation_of_webp(std::string_view bytes) {
  for (size_t at = 12; at + 8 <= bytes.size();) {
    size_t length = 0;
    for (size_t i = 4; i > 0; --i) length = length << 8 | byte_at(bytes, at + 3 + i);  // little endian
    if (bytes.substr(at, 4) == "EXIF") return orientation_of_exif(bytes.substr(at + 8, length));
    at += 8 + length + length % 2;
  }
  return Orientation::upright;
}

}  // namespace

bool is_jpeg(std::string_view file) { return file.starts_with(kJpegSignature); }
bool is_png(std::string_view file) { return file.starts_with(kPngSignature); }

std::string kind_of_unread_file(std::string_view file) {
  const auto holds = [&](size_t at, std::string_view bytes) {
    return file.size() >= at && file.substr(at).starts_with(bytes);
  };
  const auto is_iso_media = [&](std::string_view brand) { return holds(4, "ftyp") && holds(8, brand); };
  for (const char* brand : {"heic", "heix", "hevc", "mif1", "msf1"})
    if (is_iso_media(brand)) return "a HEIC photograph, which is not read; convert it to JPEG or PNG";
  if (is_iso_media("avif")) return "an AVIF image, which is not read; convert it to JPEG or PNG";
  if (file.starts_with("GIF8")) return "a GIF, which is not read; convert it to JPEG or PNG";
  if (file.starts_with("%PDF")) return "a PDF, which is not read; convert it to JPEG or PNG";
  if (file.starts_with("\xff\x0a") || holds(4, "JXL \r\n\x87\n"))
    return "a JPEG XL image, which is not read; convert it to JPEG or PNG";
  if (file.starts_with("version https://git-lfs"))
    return "a pointer of Git LFS, not the image; fetch it with git lfs pull";
  const size_t text = file.find_first_not_of(" \t\r\n");
  const std::string_view start = text == kNowhere ? "" : file.substr(text, 5);
  if (start.starts_with("<!") || start.starts_with("<html") || start.starts_with("<HTML"))
    return "a web page, not an image; fetch the image again";
  if (start.starts_with("<?xml") || start.starts_with("<svg"))
    return "XML or SVG, not a photograph; name the photograph";
  if (file.starts_with("\x93NUMPY")) return "a NumPy array, not a photograph; name the photograph";
  return "";
}

Orientation orientation_of_image(std::string_view file) {
  if (is_jpeg(file)) return orientation_of_jpeg(file);
  if (is_png(file)) return orientation_of_png(file);
  if (is_webp(file)) return orientation_of_webp(file);
  return Orientation::upright;
}

bool is_stored_turned(std::string_view file) {
  // EXIF is a TIFF without pixels, so that a TIFF tells its orientation in the same place.
  const Orientation orientation = is_tiff(file) ? orientation_of_exif(file) : orientation_of_image(file);
  return orientation != Orientation::upright;
}

std::optional<ImageHeader> header_of_jpeg(std::string_view beginning) {
  if (!is_jpeg(beginning)) return std::nullopt;
  ImageHeader header;
  for (size_t at = 2; (at = next_marker(beginning, at)) != kNowhere;) {
    const unsigned code = byte_at(beginning, at + 1);
    at += 2;
    if (code == kEnd) return std::nullopt;
    if (!has_length(code)) continue;
    if (at + 2 > beginning.size()) return std::nullopt;
    if (code == kScan) {
      if (header.size.height < 1 || header.size.width < 1) return std::nullopt;
      header.size = upright(header.size, orientation_of_jpeg(beginning));
      return header;
    }
    const size_t length = big_endian(beginning, at, 2);
    constexpr size_t kToComponents = 8;  // length, precision, height, width, number of components
    if (is_frame(code)) {
      if (at + kToComponents > beginning.size() || length < kToComponents) return std::nullopt;
      header.size.height = static_cast<int64_t>(big_endian(beginning, at + 3, 2));
      header.size.width = static_cast<int64_t>(big_endian(beginning, at + 5, 2));
      header.is_grey = big_endian(beginning, at + 7, 1) == 1;
    }
    at += length;
  }
  return std::nullopt;
}

size_t pages_of_image(std::string_view file) { return is_tiff(file) ? pages_of_tiff(file) : 1; }

std::string fault_of_image(std::string_view file) {
  if (is_jpeg(file)) return fault_of_jpeg(file);
  if (is_png(file)) return fault_of_png(file);
  return "";
}

}  // namespace boxseg
