// SPDX-License-Identifier: Apache-2.0
// TIFF 6.0: a directory of tags, each a list of numbers. There is one directory in a file of one picture, so a circle
// of them, or one without an end, is refused at its second step.
#include <algorithm>
#include <map>
#include <vector>

#include "hub/signing/documents/internal/formats.h"

namespace latchkey::hub::signing {
namespace {

enum Tag : std::uint32_t {
  kWidth = 256,
  kHeight = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kStripOffsets = 273,
  kSamplesPerPixel = 277,
  kStripByteCounts = 279,
  kXResolution = 282,
  kYResolution = 283,
  kResolutionUnit = 296,
  kColorMap = 320,
  kTileOffsets = 324,
  kTileByteCounts = 325,
  kSubDirectories = 330,
};
enum Photometric : std::uint32_t { kWhiteIsZero = 0, kBlackIsZero = 1, kPalette = 3, kMask = 4 };

constexpr std::uint32_t kCentimetre = 3;
constexpr std::uint32_t kInch = 2;
constexpr std::size_t kEntry = 12;

// Bytes of one number, by its type; 0: a type that is passed over.
std::size_t size_of(std::uint32_t type) {
  constexpr std::size_t kSizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}

struct Entry {
  std::uint32_t type = 0;
  std::uint32_t count = 0;
  std::size_t at = 0;  // where its values lie, all of them within the file
};

class Directory {
 public:
  explicit Directory(ByteView file)
      : in_(file, file.text().starts_with("I") ? Cursor::Order::kLittle : Cursor::Order::kBig) {
    const std::size_t at = in_.u32(4);
    const std::size_t entries = in_.u16(at);
    if (!in_.holds(at + 2, entries * kEntry + 4)) return;
    for (std::size_t i = 0; i < entries; ++i) read(at + 2 + i * kEntry);
    next_ = in_.u32(at + 2 + entries * kEntry);
  }

  bool cut() const { return in_.cut(); }
  bool has_next() const { return next_ != 0; }
  bool has(Tag tag) const { return entries_.count(tag) > 0; }
  std::uint32_t count(Tag tag) const { return has(tag) ? entries_.at(tag).count : 0; }
  std::uint32_t number(Tag tag, std::uint32_t usual, std::size_t index = 0) {
    const auto found = entries_.find(tag);
    if (found == entries_.end() || index >= found->second.count) return usual;
    const auto& entry = found->second;
    if (size_of(entry.type) == 1) return in_.u8(entry.at + index);
    if (size_of(entry.type) == 2) return in_.u16(entry.at + 2 * index);
    return in_.u32(entry.at + size_of(entry.type) * index);
  }
  // Two numbers, one over the other; 0 when there are none.
  double ratio(Tag tag) {
    const auto found = entries_.find(tag);
    if (found == entries_.end() || found->second.type != 5 || found->second.count == 0) return 0;
    const double over = in_.u32(found->second.at);
    const double under = in_.u32(found->second.at + 4);
    return under > 0 ? over / under : 0;
  }
  double dpi() {
    const double resolution = std::min(ratio(kXResolution), ratio(kYResolution));
    const auto unit = number(kResolutionUnit, kInch);
    if (unit == kCentimetre) return resolution * kCentimetresAnInch;
    return unit == kInch ? resolution : 0;
  }
  Cursor& file() { return in_; }

 private:
  void read(std::size_t at) {
    Entry entry{in_.u16(at + 2), in_.u32(at + 4), at + 8};
    const std::uint64_t bytes = std::uint64_t{entry.count} * size_of(entry.type);
    if (bytes == 0) return;
    if (bytes > 4) entry.at = in_.u32(at + 8);
    if (in_.holds(entry.at, bytes)) entries_.emplace(in_.u16(at), entry);  // of a tag that is there twice, the first
  }

  Cursor in_;
  std::map<std::uint32_t, Entry> entries_;  // at most 65,535
  std::uint32_t next_ = 0;
};

Colour colour_of(Directory& tags) {
  const auto kind = tags.number(kPhotometric, kBlackIsZero);
  const auto bits = tags.number(kBitsPerSample, 1);
  if (kind == kWhiteIsZero || kind == kBlackIsZero || kind == kMask) {
    return bits == 1 ? Colour::kBlackAndWhite : Colour::kGrey;
  }
  if (kind != kPalette) return tags.number(kSamplesPerPixel, 1) >= 3 ? Colour::kColour : Colour::kGrey;
  const std::size_t third = tags.count(kColorMap) / 3;  // all reds, all greens, all blues
  for (std::size_t i = 0; i < third; ++i) {
    const auto red = tags.number(kColorMap, 0, i);
    if (red != tags.number(kColorMap, 0, third + i) || red != tags.number(kColorMap, 0, 2 * third + i)) {
      return Colour::kColour;
    }
  }
  return Colour::kGrey;
}

// Whether all strips or tiles lie within the file and, where nothing compresses them, are as long as the pixels ask.
bool has_pixels(Directory& tags, const Picture& picture) {
  const bool tiled = tags.has(kTileOffsets);
  const auto offsets = tiled ? kTileOffsets : kStripOffsets;
  const auto lengths = tiled ? kTileByteCounts : kStripByteCounts;
  const auto parts = tags.count(offsets);
  if (parts == 0 || tags.count(lengths) != parts) return false;
  std::uint64_t all = 0;
  for (std::uint32_t i = 0; i < parts; ++i) {
    const auto length = tags.number(lengths, 0, i);
    all += length;
    if (!tags.file().holds(tags.number(offsets, 0, i), length)) return false;
  }
  if (tags.number(kCompression, 1) != 1) return all > 0;
  const std::uint64_t samples = std::min(tags.number(kSamplesPerPixel, 1), 16u);
  const std::uint64_t bits = std::min(tags.number(kBitsPerSample, 1), 64u) * samples;
  const std::uint64_t row = (picture.width * std::max<std::uint64_t>(bits, 1) + 7) / 8;  // less than 2^40
  return tags.number(kPhotometric, 0) == 6 || all / std::max<std::uint64_t>(row, 1) >= picture.height;
}

}  // namespace

Outcome<Picture> read_tiff(ByteView file) {
  if (file[2] == '+' || file[3] == '+') return refuse(Status::kUnsupported, "is a BigTIFF, which is not read");
  Directory tags(file);
  if (tags.cut()) return cut_off();
  if (tags.has_next() || tags.has(kSubDirectories)) return several();
  Picture picture{FileType::kTiff};
  picture.width = tags.number(kWidth, 0);
  picture.height = tags.number(kHeight, 0);
  picture.colour = colour_of(tags);
  picture.dpi = tags.dpi();
  if (!has_pixels(tags, picture) || tags.cut()) return cut_off();
  return picture;
}

double exif_dpi(ByteView tiff) {
  const auto begins = tiff.text().substr(0, 2);
  if (begins != "II" && begins != "MM") return 0;
  // What EXIF has of other things, such as a small copy of the picture, is nobody's business here.
  Directory tags(tiff);
  return tags.dpi();
}

}  // namespace latchkey::hub::signing
