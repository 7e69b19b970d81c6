// SPDX-License-Identifier: Apache-2.0
// Windows bitmaps: a file header of 14 bytes, a header that begins with its own length, a palette, the pixels.
#include <algorithm>

#include "hub/signing/documents/internal/formats.h"

namespace latchkey::hub::signing {
namespace {

constexpr std::size_t kFileHeader = 14;
constexpr std::uint32_t kCoreHeader = 12;  // OS/2 1.x: sizes of 16 bits, and no resolution
constexpr std::uint32_t kInfoHeader = 40;  // and all that begin as it does, up to 124
constexpr std::uint32_t kLongestHeader = 124;
constexpr std::uint32_t kRle8 = 1;
constexpr std::uint32_t kRle4 = 2;
constexpr std::uint32_t kBitFields = 3;
constexpr std::uint32_t kAlphaBitFields = 6;

Colour colour_of(Cursor& in, std::uint32_t header, std::uint32_t bits) {
  if (bits > 8) return Colour::kColour;
  if (bits == 1) return Colour::kBlackAndWhite;  // two colours, whichever they are
  const std::size_t step = header == kCoreHeader ? 3 : 4;
  const std::uint32_t used = header == kCoreHeader ? 0 : in.u32(kFileHeader + 32);
  const std::uint64_t entries = used == 0 ? std::uint64_t{1} << bits : std::min(used, std::uint32_t{1} << bits);
  const std::size_t at = kFileHeader + header;
  if (!in.holds(at, entries * step)) return Colour::kGrey;
  return colour_of_palette(in.bytes().subview(at, entries * step), step);
}

// The pixels have to be there, whatever the header says of their size.
bool has_pixels(Cursor& in, std::uint32_t compression, std::uint32_t bits, const Picture& picture) {
  const std::uint64_t from = in.u32(10);
  if (compression == kRle8 || compression == kRle4) {
    const auto size = in.u32(kFileHeader + 20);
    return size > 0 && in.holds(from, size);
  }
  const std::uint64_t row = (std::uint64_t{picture.width} * bits + 31) / 32 * 4;
  return in.holds(from, row * picture.height);  // less than 2^33 times at most 2^31
}

}  // namespace

Outcome<Picture> read_bmp(ByteView file) {
  Cursor in(file, Cursor::Order::kLittle);
  const auto header = in.u32(kFileHeader);
  if (!in.holds(0, kFileHeader + 4)) return cut_off();
  if (header != kCoreHeader && (header < kInfoHeader || header > kLongestHeader)) {
    return refuse(Status::kUnsupported, "is a BMP with a header that is not read");
  }
  if (!in.holds(kFileHeader, header) || in.u32(2) > file.size()) return cut_off();
  Picture picture{FileType::kBmp};
  const bool core = header == kCoreHeader;
  const std::int64_t width = core ? std::int64_t{in.u16(18)} : in.i32(18);
  const std::int64_t height = core ? std::int64_t{in.u16(20)} : in.i32(22);
  const auto planes = in.u16(core ? 22 : 26);
  const auto bits = in.u16(core ? 24 : 28);
  const auto compression = core ? 0 : in.u32(30);
  if (width < 0 || planes != 1 || (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)) {
    return refuse(Status::kMalformed, "is a BMP whose header does not add up");
  }
  if (compression > kBitFields && compression != kAlphaBitFields) {
    return refuse(Status::kUnsupported, "is a BMP with another file inside, which is not read");
  }
  picture.width = static_cast<std::uint32_t>(width);
  picture.height = static_cast<std::uint32_t>(height < 0 ? -height : height);  // negative: the top row comes first
  picture.colour = colour_of(in, header, bits);
  if (!core) picture.dpi = std::max(0, std::min(in.i32(38), in.i32(42))) / kInchesAMetre;
  if (!has_pixels(in, compression, bits, picture) || in.cut()) return cut_off();
  return picture;
}

}  // namespace latchkey::hub::signing
