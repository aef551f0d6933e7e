#include "common/io/checkpoint/zip.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/error.h"

namespace boxseg {
namespace {

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                   kLocator64 = 0x07064b50;
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr size_t kAlignment = 64;

// Reads a little-endian number, which is how the machines that we run on store it.
template <class T>
T number(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void put(std::string& bytes, uint64_t value) {
  const T narrow = static_cast<T>(value);
  bytes.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
}

uint32_t crc_of(std::string_view data) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

}  // namespace

ZipReader::ZipReader(std::string_view archive, const std::filesystem::path& path)
    : archive_(archive), path_(path.string()) {
  // The end record stands before a comment of at most 65535 bytes.
  const size_t last = archive.size() < kEndBytes ? std::string_view::npos : archive.size() - kEndBytes;
  size_t end = std::string_view::npos;
  for (size_t back = 0; last != std::string_view::npos && back <= std::min<size_t>(last, 0xFFFF); ++back)
    if (number<uint32_t>(archive, last - back) == kEnd) {
      end = last - back;
      break;
    }
  if (end == std::string_view::npos)
    fail_input("{}: is cut short: a zip archive without its directory; copy the file again", path_);
  uint64_t count = number<uint16_t>(archive, end + 10), size = number<uint32_t>(archive, end + 12),
           at = number<uint32_t>(archive, end + 16);
  if (end >= kLocatorBytes && number<uint32_t>(archive, end - kLocatorBytes) == kLocator64) {
    const auto end64 = number<uint64_t>(archive, end - kLocatorBytes + 8);
    if (end64 > archive.size() || archive.size() - end64 < kEnd64Bytes || number<uint32_t>(archive, end64) != kEnd64)
      fail_input("{}: is damaged: its zip64 directory is not where it should be; copy the file again", path_);
    count = number<uint64_t>(archive, end64 + 32);
    size = number<uint64_t>(archive, end64 + 40);
    at = number<uint64_t>(archive, end64 + 48);
  }
  if (at > archive.size() || size > archive.size() - at)
    fail_input("{}: is damaged: its directory lies outside the file; copy the file again", path_);
  read_directory(at, size, count);
}

void ZipReader::read_directory(size_t at, size_t size, uint64_t count) {
  const std::string_view directory = archive_.substr(at, size);
  const auto refuse = [&](const char* why) { fail_input("{}: is damaged: {}; copy the file again", path_, why); };
  size_t i = 0;
  for (uint64_t k = 0; k < count; ++k) {
    if (i + kCentralBytes > directory.size() || number<uint32_t>(directory, i) != kCentral)
      refuse("its directory ends early");
    const auto method = number<uint16_t>(directory, i + 10);
    uint64_t packed = number<uint32_t>(directory, i + 20), size_bytes = number<uint32_t>(directory, i + 24);
    const size_t name_bytes = number<uint16_t>(directory, i + 28), extra_bytes = number<uint16_t>(directory, i + 30),
                 comment_bytes = number<uint16_t>(directory, i + 32);
    uint64_t offset = number<uint32_t>(directory, i + 42);
    const size_t next = i + kCentralBytes + name_bytes + extra_bytes + comment_bytes;
    if (next > directory.size()) refuse("its directory ends early");
    const std::string name(directory.substr(i + kCentralBytes, name_bytes));
    const std::string_view extra = directory.substr(i + kCentralBytes + name_bytes, extra_bytes);
    for (size_t e = 0; e + 4 <= extra.size();) {  // zip64 field: those of the three values that do not fit above
      const size_t field_bytes = number<uint16_t>(extra, e + 2);
      if (number<uint16_t>(extra, e) == 1) {
        const std::string_view field = extra.substr(e + 4, field_bytes);
        size_t f = 0;
        for (uint64_t* value : {&size_bytes, &packed, &offset})
          if (*value == 0xFFFFFFFF && f + 8 <= field.size()) {
            *value = number<uint64_t>(field, f);
            f += 8;
          }
      }
      e += 4 + field_bytes;
    }
    if (method != 0 || packed != size_bytes)
      fail_input("{}: its entry {} is compressed; torch.save stores plainly, write the file with it", path_, name);
    if (offset > archive_.size() || archive_.size() - offset < kLocalBytes || size_bytes > archive_.size() - offset)
      refuse("an entry lies outside the file");
    entries_[name] = {offset, size_bytes, number<uint32_t>(directory, i + 16)};
    i = next;
  }
}

std::string_view ZipReader::view(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail_input("{}: is damaged: it has no entry {}", path_, name);
  const Entry& entry = found->second;
  const size_t skipped = kLocalBytes + number<uint16_t>(archive_, entry.offset + 26) +  // name, extra field
                         number<uint16_t>(archive_, entry.offset + 28);
  const size_t left = archive_.size() - entry.offset;
  if (number<uint32_t>(archive_, entry.offset) != kLocal || skipped > left || entry.size > left - skipped)
    fail_input("{}: is damaged: entry {} does not fit its place; copy the file again", path_, name);
  const std::string_view data = archive_.substr(entry.offset + skipped, entry.size);
  // A checksum of 0 means that torch.save was told not to compute any.
  if (entry.crc != 0 && crc_of(data) != entry.crc)
    fail_input("{}: is damaged: entry {} has another checksum than it says; copy the file again", path_, name);
  return data;
}

ZipWriter::ZipWriter(const std::filesystem::path& path) : path_(path), atomic_(path) {
  fd_ = ::open(atomic_.temporary().c_str(), O_WRONLY | O_CLOEXEC);
  if (fd_ < 0) fail_write(path_, errno);
}

ZipWriter::~ZipWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void ZipWriter::write(std::string_view bytes) {
  position_ += bytes.size();
  write_all(fd_, bytes, path_);
}

void ZipWriter::add(const std::string& name, std::string_view data) {
  ensure(position_ + data.size() < 0xFF000000, "{}: more than 4 GB of weights cannot be written", path_.string());
  ensure(count_ < 0xFFFF, "{}: more than 65535 tensors cannot be written", path_.string());
  const uint64_t offset = position_;
  // The 4 bytes are the header of the field that pads.
  const uint64_t data_at = offset + kLocalBytes + name.size() + 4;
  const uint64_t padding = (kAlignment - data_at % kAlignment) % kAlignment;
  std::string common;                 // the part that the local header and the directory have alike
  put<uint16_t>(common, 0x0800);      // names are UTF-8
  put<uint16_t>(common, 0);           // stored
  put<uint32_t>(common, 0x00210000);  // 1980-01-01 00:00
  put<uint32_t>(common, crc_of(data));
  put<uint32_t>(common, data.size());
  put<uint32_t>(common, data.size());
  put<uint16_t>(common, name.size());

  std::string local;
  put<uint32_t>(local, kLocal);
  put<uint16_t>(local, 10);  // version needed
  local += common;
  put<uint16_t>(local, 4 + padding);
  local += name;
  local += "FB";  // the field that torch pads with
  put<uint16_t>(local, padding);
  local.append(padding, 'Z');
  write(local);
  write(data);

  put<uint32_t>(directory_, kCentral);
  put<uint16_t>(directory_, 20);  // made by
  put<uint16_t>(directory_, 10);
  directory_ += common;
  put<uint16_t>(directory_, 0);  // no extra field
  put<uint16_t>(directory_, 0);  // no comment
  put<uint16_t>(directory_, 0);  // first disk
  put<uint16_t>(directory_, 0);
  put<uint32_t>(directory_, 0);
  put<uint32_t>(directory_, offset);
  directory_ += name;
  ++count_;
}

void ZipWriter::commit() {
  const uint64_t at = position_, size = directory_.size();
  std::string end;
  put<uint32_t>(end, kEnd);
  put<uint32_t>(end, 0);
  put<uint16_t>(end, count_);
  put<uint16_t>(end, count_);
  put<uint32_t>(end, size);
  put<uint32_t>(end, at);
  put<uint16_t>(end, 0);
  write(directory_);
  write(end);
  const int failed = ::close(fd_);
  fd_ = -1;
  if (failed != 0) fail_write(path_, errno);
  atomic_.commit();
}

}  // namespace boxseg
